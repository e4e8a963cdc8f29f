// Acknowledges to the server which events are on the screen, so that it notices a stalled tab.

/** Milliseconds between acks: short enough to notice a stall, and no load for a server with a thousand pages. */
const APART = 500;

export class Acks {
  #send: (seq: number, waited: number) => boolean;
  #taken = 0;
  #takenAt = 0;
  #acked = 0;
  #ackedAt = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `send` gets the seq, and how many milliseconds ago it was painted. It returns false if it could not send. */
  constructor(send: (seq: number, waited: number) => boolean) {
    this.#send = send;
  }

  /** All events up to `seq` have been painted, or received in a hidden tab. */
  taken(seq: number): void {
    if (seq <= this.#taken) return;
    this.#taken = seq;
    this.#takenAt = performance.now();
    if (this.#timer !== undefined) return;
    const wait = this.#ackedAt + APART - this.#takenAt;
    // Immediately if allowed: in a hidden tab, timers may be delayed by a minute.
    if (wait <= 0) return this.answer();
    this.#timer = setTimeout(() => this.answer(), wait);
  }

  /** Acknowledges the newest event, even a second time, which answers a heartbeat. */
  answer(): void {
    this.#stopTimer();
    const now = performance.now();
    if (!this.#send(this.#taken, this.#taken > this.#acked ? Math.round(now - this.#takenAt) : 0)) return;
    this.#acked = this.#taken;
    this.#ackedAt = now;
  }

  /** A new connection whose first event follows `seq`. */
  begin(seq: number): void {
    this.#stopTimer();
    this.#taken = this.#acked = seq;
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

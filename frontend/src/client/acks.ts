// Tells the server how far this page has taken the debate, so that it sees a tab that has stalled.

import type { Surroundings } from "./platform.ts";

/** Often enough to be told in time of a stall, and rare enough for a server with a thousand pages. */
const APART = 500;

export class Acks {
  #send: (seq: number, waited: number) => boolean;
  #surroundings: Pick<Surroundings, "now" | "later">;
  #taken = 0;
  #takenAt = 0;
  #told = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  #callOff: (() => void) | null = null;

  /** `send` is told the seq, and how many milliseconds ago it was taken; it returns false where it could not send. */
  constructor(send: (seq: number, waited: number) => boolean, surroundings: Pick<Surroundings, "now" | "later">) {
    this.#send = send;
    this.#surroundings = surroundings;
  }

  /** All events up to `seq` are before the reader, or folded where nobody looks. */
  taken(seq: number): void {
    if (seq <= this.#taken) return;
    this.#taken = seq;
    this.#takenAt = this.#surroundings.now();
    if (this.#callOff !== null) return;
    const wait = this.#toldAt + APART - this.#takenAt;
    // At once where that is allowed: in a hidden tab a timer may take a minute.
    if (wait <= 0) return this.answer();
    this.#callOff = this.#surroundings.later(wait, () => this.answer());
  }

  /** Says how far it is, new or not: a heartbeat is answered so. */
  answer(): void {
    this.#callOff?.();
    this.#callOff = null;
    const now = this.#surroundings.now();
    if (!this.#send(this.#taken, this.#taken > this.#told ? Math.round(now - this.#takenAt) : 0)) return;
    this.#told = this.#taken;
    this.#toldAt = now;
  }

  /** A new connection, whose server starts after `seq`. */
  begin(seq: number): void {
    this.#callOff?.();
    this.#callOff = null;
    this.#taken = this.#told = seq;
  }
}

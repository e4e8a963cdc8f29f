// Watches one conversation over a WebSocket: every event once and in order, however often the
// connection breaks. The cursor is the last event handed on; after a break the server goes on from it.

import { type Ending, OVER, ending, isRestart } from "../protocol/close-codes.ts";
import type { Frame, HelloFrame, StreamState } from "../protocol/events.gen.ts";
import { type LogEvent, isTerminal, seqBefore } from "../protocol/state.ts";
import { type Surroundings, browser } from "./platform.ts";

export type ConnectionState = "connecting" | "live" | "reconnecting" | "closed";

export interface Watcher {
  /** What was received so far does not count: the events come again from the first. */
  reset(): void;
  /** The next event of the log, or several that travel as one. */
  event(event: LogEvent): void;
  /** A frame that is not part of the log. */
  aside(frame: Frame): void;
  state(state: ConnectionState, ending: Ending | null): void;
}

/** The part of the browser's WebSocket that is used here. */
export interface Socket {
  readonly readyState: number;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  onerror: (() => void) | null;
  send(text: string): void;
  close(): void;
}

/** What a client may say. */
export type ClientFrame =
  | { readonly type: "ping" }
  | { readonly type: "ack"; readonly seq: number; readonly waited_ms?: number }
  | { readonly type: "control"; readonly action: string; readonly idempotency_key?: string }
  | { readonly type: "input"; readonly text: string; readonly reply_to?: string; readonly idempotency_key?: string };

const OPEN = 1;
const BACKOFF_BASE = 250;
const BACKOFF_CAP = 15_000;
/** A server that said that it restarts is back within seconds: no pause is longer than this, for so long. */
const RESTART_CAP = 1_500;
const RESTART_TAKES = 30_000;
/** A server that does not say hello in this time is not there. */
const HELLO_WITHIN = 15_000;
/** In this time a ping is answered, where the line may have changed. */
const PONG_WITHIN = 3_000;
/** The server takes no longer time for one between a paint and its ack. */
const LONGEST_WAIT = 60_000;
/** One heartbeat may be late; two missing ones mean that the line is dead, though nothing closed it. */
const HEARTBEATS_MISSED = 2;
/** In these states of its stream a watcher is behind because it asked for it, because it is slow, or because the server
 * itself cannot read on. */
const BEHIND_BY_RIGHT: ReadonlySet<StreamState> = new Set(["paused", "lagging", "reconnecting"]);

export class Connection {
  /** seq of the last event handed to the watcher. */
  head = 0;

  #url: string;
  #watcher: Watcher;
  #surroundings: Surroundings;
  #socket: Socket | null = null;
  #greeted = false;
  #over = false;
  #stopped = false;
  #failures = 0;
  #breaches = 0;
  #heardAt = 0;
  #patience = HELLO_WITHIN;
  #stream: StreamState = "streaming";
  /** Our head at the last heartbeat that knew of more; null after one that did not. */
  #behindAt: number | null = null;
  #restartedAt = Number.NEGATIVE_INFINITY;
  #callOffRetry: (() => void) | null = null;
  #callOffWatch: (() => void) | null = null;
  #callOffPing: (() => void) | null = null;

  /** `url` is the conversation's WebSocket address, without a cursor. */
  constructor(url: string, watcher: Watcher, surroundings: Surroundings = browser) {
    this.#url = url;
    this.#watcher = watcher;
    this.#surroundings = surroundings;
  }

  start(): void {
    this.#watcher.state("connecting", null);
    this.#open();
  }

  /** Ends it for good, from this side. */
  stop(): void {
    this.#stopped = true;
    this.#callOffRetry?.();
    this.#release();
  }

  /** False where there is no open connection; then nothing was sent. */
  send(frame: ClientFrame): boolean {
    if (this.#socket?.readyState !== OPEN || !this.#greeted) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** All events up to `seq` have been taken, `waited` milliseconds ago. */
  ack(seq: number, waited: number): boolean {
    const waited_ms = Math.min(waited, LONGEST_WAIT);
    return this.send(waited_ms > 0 ? { type: "ack", seq, waited_ms } : { type: "ack", seq });
  }

  /** The network or the tab came back, or changed: a pause ends at once, and a socket has to show that it lives. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#socket === null) {
      this.#callOffRetry?.();
      return this.#open();
    }
    if (this.#silence() >= (this.#greeted ? this.#patience : PONG_WITHIN)) return this.renew();
    if (this.#callOffPing !== null || !this.send({ type: "ping" })) return;
    this.#callOffPing = this.#surroundings.later(PONG_WITHIN, () => this.renew());
  }

  /** Lets go of what there is, and connects again without waiting. */
  renew(): void {
    if (this.#stopped) return;
    this.#callOffRetry?.();
    this.#release();
    this.#watcher.state("reconnecting", null);
    this.#open();
  }

  #open(): void {
    this.#callOffRetry = null;
    this.#greeted = false;
    this.#behindAt = null;
    this.#stream = "streaming";
    this.#patience = HELLO_WITHIN;
    this.#heardAt = this.#surroundings.now();
    const socket = this.#surroundings.open(`${this.#url}?after=${this.head}`);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#closed(code);
    socket.onerror = null; // a close with its code follows
    this.#watchSilence(this.#patience);
  }

  /** Lets go of the socket. Nothing that it may still deliver is heard. */
  #release(): void {
    this.#callOffWatch?.();
    this.#callOffPing?.();
    this.#callOffWatch = this.#callOffPing = null;
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #receive(data: unknown): void {
    this.#heardAt = this.#surroundings.now();
    this.#callOffPing?.();
    this.#callOffPing = null;
    const frame = parse(data);
    if (frame === null) return this.#breach();
    if (frame.type === "hello") return this.#greet(frame);
    if (!this.#greeted) return this.#breach();
    // Not at the greeting: a server may greet and fail at once, and every tab would be back within the second.
    this.#failures = 0;
    if (frame.seq === null) return this.#takeAside(frame);
    const event = frame as LogEvent;
    if (event.seq <= this.head) return;
    if (seqBefore(event) !== this.head) return this.#breach();
    this.head = event.seq;
    this.#breaches = 0;
    if (event.type === "status") this.#over = isTerminal(event.data.status);
    this.#watcher.event(event);
  }

  #greet(frame: HelloFrame): void {
    const { data } = frame;
    if (!data.recovered || data.from !== this.head) {
      this.head = 0;
      this.#over = false;
      this.#watcher.reset();
    }
    this.#greeted = true;
    this.#patience = HEARTBEATS_MISSED * data.heartbeat_seconds * 1000;
    this.#callOffWatch?.();
    this.#watchSilence(this.#patience);
    this.#watcher.aside(frame);
    this.#watcher.state("live", null);
  }

  #takeAside(frame: Frame): void {
    if (frame.type === "stream") this.#stream = frame.data.state;
    this.#watcher.aside(frame);
    if (frame.type === "heartbeat") this.#compare(frame.data.head);
  }

  /** Two heartbeats in a row that know of more, with nothing between them: what is missing is not coming. */
  #compare(head: number): void {
    const behind = head > this.head && !BEHIND_BY_RIGHT.has(this.#stream);
    if (behind && this.#behindAt === this.head) return this.renew();
    this.#behindAt = behind ? this.head : null;
  }

  /** The server broke the protocol; its next answer, at the same cursor, may be whole. */
  #breach(): void {
    this.#breaches += 1;
    this.#release();
    this.#retry();
  }

  #closed(code: number): void {
    this.#release();
    if (isRestart(code)) this.#restartedAt = this.#surroundings.now();
    const final = this.#over ? OVER : ending(code);
    if (final === undefined) return this.#retry();
    this.#stopped = true;
    this.#watcher.state("closed", final);
  }

  /** Tries again after a random time (full jitter), so that many watchers do not come back at once. */
  #retry(): void {
    const restarts = this.#surroundings.now() - this.#restartedAt < RESTART_TAKES;
    const cap = restarts ? RESTART_CAP : BACKOFF_CAP;
    const ceiling = Math.min(cap, BACKOFF_BASE * 2 ** (this.#failures + this.#breaches));
    this.#failures += 1;
    this.#watcher.state("reconnecting", null);
    this.#callOffRetry = this.#surroundings.later(this.#surroundings.random() * ceiling, () => this.#open());
  }

  #silence(): number {
    return this.#surroundings.now() - this.#heardAt;
  }

  #watchSilence(milliseconds: number): void {
    this.#callOffWatch = this.#surroundings.later(milliseconds, () => {
      const left = this.#patience - this.#silence();
      if (left > 0) return this.#watchSilence(left);
      this.#release();
      this.#retry();
    });
  }
}

function parse(data: unknown): Frame | null {
  if (typeof data !== "string") return null;
  try {
    const frame: unknown = JSON.parse(data);
    return typeof frame === "object" && frame !== null && "type" in frame && "seq" in frame ? (frame as Frame) : null;
  } catch {
    return null;
  }
}

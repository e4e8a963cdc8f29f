// Watches one conversation over a WebSocket: every event once and in order, however often the connection breaks. The
// cursor is the head of the state; after a break the server continues from it.

import { ENDINGS, type Ending, OVER, RESTARTS } from "../protocol/close-codes.ts";
import type { Frame, HelloFrame, StreamState } from "../protocol/events.gen.ts";
import { reduce } from "../protocol/reducer.ts";
import { EMPTY, type LogEvent, type State, isTerminal, seqBefore } from "../protocol/state.ts";
import { type Platform, browser } from "./platform.ts";

export type ConnectionState = "connecting" | "live" | "reconnecting" | "closed";

export interface Watcher {
  /** The server starts again from the first event, and the state is empty again. */
  reset(): void;
  /** The next event of the log, or several that travel as one, and the state before it. */
  event(event: LogEvent, before: State): void;
  /** A frame that is not part of the log. */
  aside(frame: Frame): void;
  state(state: ConnectionState, ending: Ending | null): void;
}

/** The part of the browser's WebSocket that is used. */
export interface Socket {
  readonly readyState: number;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  onerror: (() => void) | null;
  send(text: string): void;
  close(): void;
}

/** Frames that a client may send. */
export type ClientFrame =
  | { readonly type: "ping" }
  | { readonly type: "ack"; readonly seq: number; readonly waited_ms?: number }
  | { readonly type: "control"; readonly action: string; readonly idempotency_key?: string }
  | { readonly type: "input"; readonly text: string; readonly reply_to?: string; readonly idempotency_key?: string };

const OPEN = 1;
const BACKOFF_BASE = 250;
const BACKOFF_CAP = 15_000;
/** After a restart's close code the server is back within seconds: for 30 s, no delay is longer than 1.5 s. */
const RESTART_CAP = 1_500;
const RESTART_TAKES = 30_000;
/** Timeout of the server's hello, in milliseconds. */
const HELLO_WITHIN = 15_000;
/** Timeout of a ping, in milliseconds. */
const PONG_WITHIN = 3_000;
/** The server accepts no more milliseconds than this between a paint and its ack. */
const LONGEST_WAIT = 60_000;
/** One heartbeat may be late; after two missing ones the connection is dead, though no close came. */
const HEARTBEATS_MISSED = 2;
/** Stream states in which a watcher may be behind: it paused, it is slow, or the server waits for its database. */
const MAY_BE_BEHIND: ReadonlySet<StreamState> = new Set(["paused", "lagging", "reconnecting"]);

export class Connection {
  /** The conversation's state after the events received so far. */
  conversation: State = EMPTY;

  #url: string;
  #watcher: Watcher;
  #platform: Platform;
  #socket: Socket | null = null;
  #greeted = false;
  #stopped = false;
  #failures = 0;
  #breaches = 0;
  #receivedAt = 0;
  #patience = HELLO_WITHIN;
  #stream: StreamState = "streaming";
  /** Our head at the last heartbeat, if the server's was higher; otherwise null. */
  #behindAt: number | null = null;
  #restartedAt = Number.NEGATIVE_INFINITY;
  #cancelRetry: (() => void) | null = null;
  #cancelWatch: (() => void) | null = null;
  #cancelPing: (() => void) | null = null;

  /** `url` is the conversation's WebSocket address, without a cursor. */
  constructor(url: string, watcher: Watcher, platform: Platform = browser) {
    this.#url = url;
    this.#watcher = watcher;
    this.#platform = platform;
  }

  /** seq of the last event received. */
  get head(): number {
    return this.conversation.head;
  }

  start(): void {
    this.#watcher.state("connecting", null);
    this.#open();
  }

  /** Closes the connection for good. */
  stop(): void {
    this.#stopped = true;
    this.#cancelRetry?.();
    this.#release();
  }

  /** Returns false, and sends nothing, if there is no open connection. */
  send(frame: ClientFrame): boolean {
    if (this.#socket?.readyState !== OPEN || !this.#greeted) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Acknowledges all events up to `seq`, which were painted `waited` milliseconds ago. */
  ack(seq: number, waited: number): boolean {
    const waited_ms = Math.min(waited, LONGEST_WAIT);
    return this.send(waited_ms > 0 ? { type: "ack", seq, waited_ms } : { type: "ack", seq });
  }

  /** The network changed, or the tab is visible again: retries at once, or tests the socket with a ping. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#socket === null) {
      this.#cancelRetry?.();
      return this.#open();
    }
    if (this.#silence() >= (this.#greeted ? this.#patience : PONG_WITHIN)) return this.renew();
    if (this.#cancelPing !== null || !this.send({ type: "ping" })) return;
    this.#cancelPing = this.#platform.later(PONG_WITHIN, () => this.renew());
  }

  /** Drops the socket, and connects again at once. */
  renew(): void {
    if (this.#stopped) return;
    this.#cancelRetry?.();
    this.#release();
    this.#watcher.state("reconnecting", null);
    this.#open();
  }

  #open(): void {
    this.#cancelRetry = null;
    this.#greeted = false;
    this.#behindAt = null;
    this.#stream = "streaming";
    this.#patience = HELLO_WITHIN;
    this.#receivedAt = this.#platform.now();
    const socket = this.#platform.open(`${this.#url}?after=${this.head}`);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#closed(code);
    socket.onerror = null; // a close with its code follows
    this.#watchSilence(this.#patience);
  }

  /** Drops the socket and ignores what it may still deliver. */
  #release(): void {
    this.#cancelWatch?.();
    this.#cancelPing?.();
    this.#cancelWatch = this.#cancelPing = null;
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #receive(data: unknown): void {
    this.#receivedAt = this.#platform.now();
    this.#cancelPing?.();
    this.#cancelPing = null;
    const frame = parse(data);
    if (frame === null) return this.#breach();
    if (frame.type === "hello") return this.#greet(frame);
    if (!this.#greeted) return this.#breach();
    // Reset here and not at the hello: if a server fails right after the hello, all tabs would reconnect within a
    // second.
    this.#failures = 0;
    if (frame.seq === null) return this.#takeAside(frame);
    const event = frame as LogEvent;
    const before = this.conversation;
    if (event.seq <= before.head) return;
    if (seqBefore(event) !== before.head) return this.#breach();
    this.conversation = reduce([event], before);
    this.#breaches = 0;
    this.#watcher.event(event, before);
  }

  #greet(frame: HelloFrame): void {
    const { data } = frame;
    if (!data.recovered || data.from !== this.head) {
      this.conversation = EMPTY;
      this.#watcher.reset();
    }
    this.#greeted = true;
    this.#patience = HEARTBEATS_MISSED * data.heartbeat_seconds * 1000;
    this.#cancelWatch?.();
    this.#watchSilence(this.#patience);
    this.#watcher.aside(frame);
    this.#watcher.state("live", null);
  }

  #takeAside(frame: Frame): void {
    if (frame.type === "stream") this.#stream = frame.data.state;
    this.#watcher.aside(frame);
    if (frame.type === "heartbeat") this.#compare(frame.data.head);
  }

  /** After two heartbeats with a higher head and no event between them, the missing events will not come: reconnects. */
  #compare(head: number): void {
    const behind = head > this.head && !MAY_BE_BEHIND.has(this.#stream);
    if (behind && this.#behindAt === this.head) return this.renew();
    this.#behindAt = behind ? this.head : null;
  }

  /** The server broke the protocol: reconnects at the same cursor. */
  #breach(): void {
    this.#breaches += 1;
    this.#release();
    this.#retry();
  }

  #closed(code: number): void {
    this.#release();
    if (RESTARTS.has(code)) this.#restartedAt = this.#platform.now();
    const final = isTerminal(this.conversation.status) ? OVER : ENDINGS.get(code);
    if (final === undefined) return this.#retry();
    this.#stopped = true;
    this.#watcher.state("closed", final);
  }

  /** Retries after a random delay (full jitter), so that not all watchers return at once. */
  #retry(): void {
    const restarts = this.#platform.now() - this.#restartedAt < RESTART_TAKES;
    const cap = restarts ? RESTART_CAP : BACKOFF_CAP;
    const ceiling = Math.min(cap, BACKOFF_BASE * 2 ** (this.#failures + this.#breaches));
    this.#failures += 1;
    this.#watcher.state("reconnecting", null);
    this.#cancelRetry = this.#platform.later(this.#platform.random() * ceiling, () => this.#open());
  }

  #silence(): number {
    return this.#platform.now() - this.#receivedAt;
  }

  #watchSilence(milliseconds: number): void {
    this.#cancelWatch = this.#platform.later(milliseconds, () => {
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

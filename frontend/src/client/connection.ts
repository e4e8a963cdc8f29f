// Watches one conversation over a WebSocket: every event once and in order, however often the connection breaks. The
// cursor is the head of the state; after a break the server continues from it.

import { Acks } from "./acks.ts";
import { ENDINGS, type Ending, OVER, RESTARTS } from "../protocol/close-codes.ts";
import type { Frame, HelloFrame, StreamState } from "../protocol/events.gen.ts";
import { reduce } from "../protocol/reducer.ts";
import { EMPTY, type LogEvent, type State, isTerminal, seqBefore } from "../protocol/state.ts";

export type ConnectionState = "connecting" | "live" | "reconnecting" | "closed";

export interface Watcher {
  /** The next event of the log, or several that travel as one, and the state before it. */
  event(event: LogEvent, before: State): void;
  /** A frame that is not part of the log. */
  aside(frame: Frame): void;
  state(state: ConnectionState, ending: Ending | null): void;
}

/** Frames that a client may send. */
export type ClientFrame =
  | { readonly type: "ping" }
  | { readonly type: "ack"; readonly seq: number; readonly waited_ms?: number }
  | { readonly type: "control"; readonly action: string; readonly idempotency_key?: string }
  | (InputFrame & { readonly idempotency_key?: string });

/** A text to the panel, to the agent with the role `to`, or in answer to a question, which null skips. */
export type InputFrame = {
  readonly type: "input";
  readonly text: string | null;
  readonly reply_to?: string;
  readonly to?: string;
};

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

type Timer = ReturnType<typeof setTimeout> | undefined;

export class Connection {
  /** The conversation's state after the events received so far; before the start, after those that are known already. */
  conversation: State = EMPTY;
  /** How the server streams to this connection. */
  stream: StreamState = "streaming";

  #url: string;
  #watcher: Watcher;
  #acks = new Acks((seq, waited) => this.#ack(seq, waited));
  #socket: WebSocket | null = null;
  #greeted = false;
  #stopped = false;
  /** Attempts since the last event or heartbeat. A hello does not end the count: if a server fails right after it, all
   * tabs would reconnect within a second. */
  #failures = 0;
  #receivedAt = 0;
  #patience = HELLO_WITHIN;
  /** Our head at the last heartbeat, if the server's was higher; otherwise null. */
  #behindAt: number | null = null;
  #restartedAt = Number.NEGATIVE_INFINITY;
  #retryTimer: Timer;
  #silenceTimer: Timer;
  #pingTimer: Timer;

  /** `url` is the conversation's WebSocket address, without a cursor. */
  constructor(url: string, watcher: Watcher) {
    this.#url = url;
    this.#watcher = watcher;
  }

  /** seq of the last event received. */
  get head(): number {
    return this.conversation.head;
  }

  /** `opened` is a socket of this conversation, if there is one already. */
  start(opened?: WebSocket): void {
    if (isTerminal(this.conversation.status)) return this.#watcher.state("closed", OVER);
    this.#watcher.state("connecting", null);
    this.#open(opened);
  }

  /** Closes the connection for good. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retryTimer);
    this.#release();
  }

  /** Returns false, and sends nothing, if there is no open connection. */
  send(frame: ClientFrame): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN || !this.#greeted) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** All events up to `seq` are on the screen, or were received in a hidden tab. */
  painted(seq: number): void {
    this.#acks.taken(seq);
  }

  /** The network changed, or the tab is visible again: retries at once, or tests the socket with a ping. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#socket === null) {
      clearTimeout(this.#retryTimer);
      return this.#open();
    }
    if (this.#silence() >= (this.#greeted ? this.#patience : PONG_WITHIN)) return this.renew();
    if (this.#pingTimer !== undefined || !this.send({ type: "ping" })) return;
    this.#pingTimer = setTimeout(() => this.renew(), PONG_WITHIN);
  }

  /** Drops the socket, and connects again at once. */
  renew(): void {
    if (this.#stopped) return;
    clearTimeout(this.#retryTimer);
    this.#release();
    this.#watcher.state("reconnecting", null);
    this.#open();
  }

  #open(socket = new WebSocket(`${this.#url}?after=${this.head}`)): void {
    this.#greeted = false;
    this.#behindAt = null;
    this.stream = "streaming";
    this.#patience = HELLO_WITHIN;
    this.#receivedAt = performance.now();
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(data);
    // After an error, too, a close with its code follows.
    socket.onclose = ({ code }) => this.#closed(code);
    this.#watchSilence(this.#patience);
  }

  /** Drops the socket and ignores what it may still deliver. */
  #release(): void {
    clearTimeout(this.#silenceTimer);
    this.#stopPing();
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #receive(data: unknown): void {
    this.#receivedAt = performance.now();
    this.#stopPing();
    const frame = parse(data);
    // Where the server breaks the protocol, the connection retries at the same cursor.
    if (frame === null) return this.#retry();
    if (frame.type === "hello") return this.#greet(frame);
    if (!this.#greeted) return this.#retry();
    if (frame.seq === null) return this.#takeAside(frame);
    const event = frame as LogEvent;
    const before = this.conversation;
    if (event.seq <= before.head) return;
    if (seqBefore(event) !== before.head) return this.#retry();
    this.conversation = reduce([event], before);
    this.#failures = 0;
    this.#watcher.event(event, before);
  }

  #greet(frame: HelloFrame): void {
    const { data } = frame;
    // Otherwise the server starts again from the first event.
    if (!data.recovered || data.from !== this.head) this.conversation = EMPTY;
    this.#greeted = true;
    this.#patience = HEARTBEATS_MISSED * data.heartbeat_seconds * 1000;
    clearTimeout(this.#silenceTimer);
    this.#watchSilence(this.#patience);
    this.#acks.begin(data.from);
    this.#watcher.aside(frame);
    this.#watcher.state("live", null);
  }

  #takeAside(frame: Frame): void {
    if (frame.type === "stream") this.stream = frame.data.state;
    this.#watcher.aside(frame);
    if (frame.type !== "heartbeat") return;
    this.#failures = 0;
    this.#acks.answer();
    this.#compare(frame.data.head);
  }

  /** Acknowledges all events up to `seq`, which were painted `waited` milliseconds ago. */
  #ack(seq: number, waited: number): boolean {
    const waited_ms = Math.min(waited, LONGEST_WAIT);
    return this.send(waited_ms > 0 ? { type: "ack", seq, waited_ms } : { type: "ack", seq });
  }

  /** After two heartbeats with a higher head and no event between them, the missing events will not come: reconnects. */
  #compare(head: number): void {
    const behind = head > this.head && !MAY_BE_BEHIND.has(this.stream);
    if (behind && this.#behindAt === this.head) return this.renew();
    this.#behindAt = behind ? this.head : null;
  }

  #closed(code: number): void {
    this.#release();
    if (RESTARTS.has(code)) this.#restartedAt = performance.now();
    const final = isTerminal(this.conversation.status) ? OVER : ENDINGS.get(code);
    if (final === undefined) return this.#retry();
    this.#stopped = true;
    this.#watcher.state("closed", final);
  }

  /** Retries after a random delay (full jitter), so that not all watchers return at once. */
  #retry(): void {
    this.#release();
    const restarts = performance.now() - this.#restartedAt < RESTART_TAKES;
    const cap = restarts ? RESTART_CAP : BACKOFF_CAP;
    const ceiling = Math.min(cap, BACKOFF_BASE * 2 ** this.#failures);
    this.#failures += 1;
    this.#watcher.state("reconnecting", null);
    this.#retryTimer = setTimeout(() => this.#open(), Math.random() * ceiling);
  }

  #silence(): number {
    return performance.now() - this.#receivedAt;
  }

  #watchSilence(milliseconds: number): void {
    this.#silenceTimer = setTimeout(() => {
      const left = this.#patience - this.#silence();
      if (left > 0) this.#watchSilence(left);
      else this.#retry();
    }, milliseconds);
  }

  #stopPing(): void {
    clearTimeout(this.#pingTimer);
    this.#pingTimer = undefined;
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

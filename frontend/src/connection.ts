// Watches one conversation over a WebSocket: every event once and in order, however often the
// connection breaks. The cursor is the last event handed on; after a break the server goes on from it.

import type { Frame, HelloFrame } from "./events.gen.ts";
import { type LogEvent, isTerminal } from "./state.ts";

export type ConnectionState = "connecting" | "live" | "reconnecting" | "closed";

/** Why nothing more is coming. `sentence` is for the person; null where everything has been said. */
export type Ending = { readonly sentence: string | null; readonly signIn: boolean };

export interface Watcher {
  /** What was received so far does not count: the events come again from the first. */
  reset(): void;
  /** The next event of the log. */
  event(event: LogEvent): void;
  /** A frame that is not part of the log. */
  aside(frame: Frame): void;
  state(state: ConnectionState, ending: Ending | null): void;
}

/** The part of the browser's WebSocket that is used here. */
export interface Socket {
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  onerror: (() => void) | null;
  close(): void;
}

export interface Surroundings {
  open(url: string): Socket;
  now(): number;
  random(): number;
  /** Calls `action` after `milliseconds`; returns what calls it off. */
  later(milliseconds: number, action: () => void): () => void;
}

export const browser: Surroundings = {
  open: (url) => new WebSocket(url) as Socket,
  now: () => performance.now(),
  random: Math.random,
  later: (milliseconds, action) => {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  },
};

const BACKOFF_BASE = 250;
const BACKOFF_CAP = 15_000;
/** A server that does not say hello in this time is not there. */
const HELLO_WITHIN = 15_000;
/** One heartbeat may be late; two missing ones mean that the line is dead, though nothing closed it. */
const HEARTBEATS_MISSED = 2;

/** Close codes after which another try would end the same way. */
const FINAL: Readonly<Record<number, Ending>> = {
  4400: { sentence: "This page lost its place in the debate. Reload it to start anew.", signIn: false },
  4401: { sentence: "You are signed out, so the debate stopped arriving.", signIn: true },
  4404: { sentence: "There is no such debate, or it is not yours.", signIn: false },
  4413: { sentence: "This page sent more than the server accepts. Reload it.", signIn: false },
};
const OVER: Ending = { sentence: null, signIn: false };

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
  #callOffRetry: (() => void) | null = null;
  #callOffWatch: (() => void) | null = null;

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

  /** The network or the tab came back: no reason to wait any longer. */
  wake(): void {
    if (this.#stopped) return;
    if (this.#socket !== null && this.#silence() >= this.#patience) this.#release();
    if (this.#socket !== null) return;
    this.#callOffRetry?.();
    this.#open();
  }

  #open(): void {
    this.#callOffRetry = null;
    this.#greeted = false;
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
    this.#callOffWatch = null;
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #receive(data: unknown): void {
    this.#heardAt = this.#surroundings.now();
    const frame = parse(data);
    if (frame === null) return this.#breach();
    if (frame.type === "hello") return this.#greet(frame);
    if (!this.#greeted) return this.#breach();
    // Not at the greeting: a server may greet and fail at once, and every tab would be back within the second.
    this.#failures = 0;
    if (frame.seq === null) return this.#watcher.aside(frame);
    if (frame.seq <= this.head) return;
    if (frame.seq !== this.head + 1) return this.#breach();
    this.head = frame.seq;
    this.#breaches = 0;
    if (frame.type === "status") this.#over = isTerminal(frame.data.status);
    this.#watcher.event(frame as LogEvent);
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

  /** The server broke the protocol; its next answer, at the same cursor, may be whole. */
  #breach(): void {
    this.#breaches += 1;
    this.#release();
    this.#retry();
  }

  #closed(code: number): void {
    this.#release();
    const ending = this.#over ? OVER : FINAL[code];
    if (ending === undefined) return this.#retry();
    this.#stopped = true;
    this.#watcher.state("closed", ending);
  }

  /** Tries again after a random time (full jitter), so that many watchers do not come back at once. */
  #retry(): void {
    const ceiling = Math.min(BACKOFF_CAP, BACKOFF_BASE * 2 ** (this.#failures + this.#breaches));
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

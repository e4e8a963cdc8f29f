// Tests a stream by hand: starts a debate over a WebSocket, and logs every frame of it.

import type { Ending } from "../protocol/close-codes.ts";
import { type ClientFrame, Connection, type ConnectionState } from "../client/connection.ts";
import type { Frame, Status, StreamState } from "../protocol/events.gen.ts";
import { EMPTY, type LogEvent, type State, seqBefore } from "../protocol/state.ts";

/** Lines kept in the log; a long debate has many more. */
export const MAX_LINES = 500;
/** Characters of a frame's text in the log. */
const MAX_TEXT = 120;
/** The window of the token rate, in milliseconds. */
const RATE_WINDOW = 5_000;

export type LogLine = { readonly number: number; readonly at: number; readonly type: string; readonly seq: string; readonly text: string };

export type TesterState = "idle" | "starting" | ConnectionState;

/** One debate: a tester can be started once. */
export class StreamTester {
  state: TesterState = "idle";
  /** Why the debate did not start, or the stream ended before it. */
  problem: string | null = null;
  lines: readonly LogLine[] = [];
  frames = 0;
  reconnects = 0;
  /** The debate's id, once there is one. */
  conversation: string | null = null;

  #wsUrl: string;
  #cancel: (conversation: string) => void;
  #changed: () => void;
  #logged = 0;
  #starting: WebSocket | null = null;
  #connection: Connection | null = null;
  #samples: { at: number; tokens: number }[] = [];

  /** `wsUrl` is where debates are started. `cancel` cancels a debate without a connection; `changed` is called when
   * there is something new to draw. */
  constructor(wsUrl: string, cancel: (conversation: string) => void, changed: () => void) {
    this.#wsUrl = wsUrl;
    this.#cancel = cancel;
    this.#changed = changed;
  }

  get isRunning(): boolean {
    return this.state !== "idle" && this.state !== "closed";
  }

  get isPaused(): boolean {
    return this.state === "live" && this.stream === "paused";
  }

  get stream(): StreamState {
    return this.#connection?.stream ?? "idle";
  }

  get #debate(): State {
    return this.#connection?.conversation ?? EMPTY;
  }

  get status(): Status | null {
    return this.#debate.status;
  }

  get tokens(): number {
    return this.#debate.messages.reduce((total, message) => total + message.tokens, 0);
  }

  /** Tokens a second over the last five seconds. */
  get rate(): number {
    if (!this.isRunning) return 0;
    const since = performance.now() - RATE_WINDOW;
    const before = this.#samples.findLast(({ at }) => at <= since) ?? this.#samples[0];
    return before === undefined ? 0 : (this.tokens - before.tokens) / (RATE_WINDOW / 1000);
  }

  start(topic: string): void {
    this.state = "starting";
    const socket = new WebSocket(this.#wsUrl);
    this.#starting = socket;
    socket.onopen = () => {
      this.#log("start", "", topic);
      socket.send(JSON.stringify({ type: "start", topic }));
    };
    socket.onmessage = (message) => this.#receiveFirst(socket, message);
    socket.onclose = ({ code }) => this.#failed(`The server closed the connection before the debate began (${code}).`);
    this.#changed();
  }

  pause(): void {
    this.#send({ type: "control", action: "pause_stream" });
  }

  resume(): void {
    this.#send({ type: "control", action: "resume_stream" });
  }

  /** Cancels the debate. The server closes the connection when that is done. */
  stop(): void {
    if (this.conversation === null) return this.#failed("Stopped before the debate began.");
    const isSent = this.#send({ type: "control", action: "cancel" });
    // A paused stream would not show the end.
    if (isSent && this.isPaused) this.resume();
    if (!isSent) {
      this.#log("cancel", "", "by a request, for there is no connection");
      this.#cancel(this.conversation);
    }
  }

  /** Closes the connection; the debate goes on. */
  leave(): void {
    this.#starting?.close();
    this.#connection?.stop();
  }

  /** seq of the newest event. */
  get head(): number {
    return this.#debate.head;
  }

  painted(seq: number): void {
    this.#connection?.painted(seq);
  }

  /** The first frame: the debate's hello, or an error. */
  #receiveFirst(socket: WebSocket, message: MessageEvent<string>): void {
    const frame: Frame = JSON.parse(message.data);
    if (frame.type === "error") return this.#failed(frame.data.message);
    if (frame.type !== "hello" || frame.conversation === null) return;
    this.conversation = frame.conversation;
    this.#starting = null;
    this.#connection = new Connection(`${this.#wsUrl}${frame.conversation}/`, {
      event: (event) => this.#record(event),
      aside: (aside) => this.#record(aside),
      state: (state, ending) => this.#connected(state, ending),
    });
    this.#connection.start(socket);
    // The connection receives the hello, too.
    socket.onmessage?.(message);
  }

  #record(frame: Frame): void {
    this.frames += 1;
    const now = performance.now();
    this.#samples.push({ at: now, tokens: this.tokens });
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? now) <= now - RATE_WINDOW) this.#samples.shift();
    this.#log(frame.type, frame.seq === null ? "" : seqs(frame as LogEvent), frameText(frame));
    if (document.hidden) this.painted(this.head);
    this.#changed();
  }

  #connected(state: ConnectionState, ending: Ending | null): void {
    this.state = state;
    if (state === "reconnecting") this.reconnects += 1;
    if (state !== "live") this.#log(state, "", ending?.sentence ?? "");
    this.problem = ending?.sentence ?? null;
    this.#changed();
  }

  #failed(problem: string): void {
    if (this.#starting !== null) this.#starting.onclose = null;
    this.#starting?.close();
    this.state = "closed";
    this.problem = problem;
    this.#log("closed", "", problem);
    this.#changed();
  }

  #send(frame: ClientFrame & { type: "control" }): boolean {
    const sent = this.#connection?.send(frame) ?? false;
    if (sent) this.#log(frame.action, "", "sent");
    this.#changed();
    return sent;
  }

  #log(type: string, seq: string, text: string): void {
    const line = { number: this.#logged++, at: Date.now(), type, seq, text: cut(text) };
    this.lines = [...this.lines.slice(1 - MAX_LINES), line];
  }
}

/** seq of an event, or the first and last seq of a frame that stands for several. */
function seqs(event: LogEvent): string {
  const first = seqBefore(event) + 1;
  return first === event.seq ? String(event.seq) : `${first}–${event.seq}`;
}

/** A frame's text where it has one, else its data. */
function frameText(frame: Frame): string {
  if (frame.type === "token") return frame.data.text;
  if (frame.type === "agent_message") return `${frame.data.agent}: ${frame.data.content}`;
  return JSON.stringify(frame.data);
}

function cut(text: string): string {
  const characters = [...text.slice(0, 2 * MAX_TEXT + 1)];
  return characters.length > MAX_TEXT ? `${characters.slice(0, MAX_TEXT).join("")}…` : text;
}

// Tests a stream by hand: starts a debate over a WebSocket, and logs every frame of it.

import { Acks } from "../client/acks.ts";
import type { Ending } from "../protocol/close-codes.ts";
import { type ClientFrame, Connection, type ConnectionState, type Socket } from "../client/connection.ts";
import type { Frame, Status, StreamState } from "../protocol/events.gen.ts";
import { EMPTY, type LogEvent, type State, seqBefore } from "../protocol/state.ts";
import { type Platform, browser } from "../client/platform.ts";

/** Lines kept in the log; a long debate has many more. */
export const MAX_LINES = 500;
/** Characters of a frame's text in the log. */
const MAX_TEXT = 120;
/** The window of the token rate, in milliseconds. */
const RATE_WINDOW = 5_000;

export type LogLine = { readonly number: number; readonly at: number; readonly type: string; readonly seq: string; readonly text: string };

/** A socket with an open event. */
type Opening = Socket & { onopen: (() => void) | null };

export type TesterState = "idle" | "starting" | ConnectionState;

export class StreamTester {
  state: TesterState = "idle";
  /** Why the debate did not start, or the stream ended before it. */
  problem: string | null = null;
  stream: StreamState = "idle";
  lines: readonly LogLine[] = [];
  frames = 0;
  reconnects = 0;
  /** The debate's id, once there is one. */
  conversation: string | null = null;

  #wsUrl: string;
  #platform: Platform;
  #cancel: (conversation: string) => void;
  #changed: () => void;
  #logged = 0;
  #starting: Opening | null = null;
  #connection: Connection | null = null;
  #acks: Acks | null = null;
  #samples: { at: number; tokens: number }[] = [];

  /** `wsUrl` is where debates are started. `cancel` cancels a debate without a connection; `changed` is called when
   * there is something new to draw. */
  constructor(
    wsUrl: string,
    cancel: (conversation: string) => void,
    changed: () => void,
    platform: Platform = browser,
  ) {
    this.#wsUrl = wsUrl;
    this.#cancel = cancel;
    this.#changed = changed;
    this.#platform = platform;
  }

  get isRunning(): boolean {
    return this.state !== "idle" && this.state !== "closed";
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
    const since = this.#platform.now() - RATE_WINDOW;
    const before = this.#samples.findLast(({ at }) => at <= since) ?? this.#samples[0];
    return before === undefined ? 0 : (this.tokens - before.tokens) / (RATE_WINDOW / 1000);
  }

  start(topic: string): void {
    if (this.isRunning) return;
    Object.assign(this, { state: "starting", problem: null, stream: "idle", lines: [], frames: 0, reconnects: 0 });
    this.conversation = null;
    this.#connection = null;
    this.#logged = 0;
    this.#samples = [];
    const socket = this.#platform.open(this.#wsUrl) as Opening;
    this.#starting = socket;
    socket.onopen = () => {
      this.#log("start", "", topic);
      socket.send(JSON.stringify({ type: "start", topic }));
    };
    socket.onmessage = ({ data }) => this.#receiveFirst(socket, data);
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
    if (isSent && this.stream === "paused") this.resume();
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

  /** Everything up to `seq` has been painted. */
  painted(seq: number): void {
    this.#acks?.taken(seq);
  }

  /** The first frame: the debate's hello, or an error. */
  #receiveFirst(socket: Socket, data: unknown): void {
    const frame: Frame = JSON.parse(String(data));
    if (frame.type === "error") return this.#failed(frame.data.message);
    if (frame.type !== "hello" || frame.conversation === null) return;
    this.conversation = frame.conversation;
    this.#starting = null;
    this.#connect(frame.conversation, socket);
    // The connection receives the hello, too.
    socket.onmessage?.({ data });
  }

  /** Watches the debate like any other, first over the socket that started it. */
  #connect(conversation: string, first: Socket): void {
    let opened: Socket | null = first;
    const platform: Platform = {
      ...this.#platform,
      open: (url) => {
        const socket = opened ?? this.#platform.open(url);
        opened = null;
        return socket;
      },
    };
    const connection = new Connection(
      `${this.#wsUrl}${conversation}/`,
      {
        reset: () => {},
        event: (event) => this.#event(event),
        aside: (frame) => this.#aside(frame),
        state: (state, ending) => this.#connected(state, ending),
      },
      platform,
    );
    this.#connection = connection;
    this.#acks = new Acks((seq, waited) => connection.ack(seq, waited), platform);
    connection.start();
  }

  #event(event: LogEvent): void {
    this.#record(event);
    if (document.hidden) this.painted(event.seq);
    this.#changed();
  }

  #aside(frame: Frame): void {
    if (frame.type === "hello") {
      this.stream = "streaming";
      this.#acks?.begin(frame.data.from);
    } else if (frame.type === "stream") this.stream = frame.data.state;
    else if (frame.type === "heartbeat") this.#acks?.answer();
    this.#record(frame);
    this.#changed();
  }

  #record(frame: Frame): void {
    this.frames += 1;
    const now = this.#platform.now();
    this.#samples.push({ at: now, tokens: this.tokens });
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? now) <= now - RATE_WINDOW) this.#samples.shift();
    this.#log(frame.type, frame.seq === null ? "" : seqs(frame as LogEvent), frameText(frame));
  }

  #connected(state: ConnectionState, ending: Ending | null): void {
    this.state = state;
    if (state === "reconnecting") this.reconnects += 1;
    if (state !== "live") this.#log(state, "", ending?.sentence ?? "");
    if (state === "closed") this.stream = "closed";
    this.problem = ending?.sentence ?? null;
    this.#changed();
  }

  #failed(problem: string): void {
    const socket = this.#starting;
    this.#starting = null;
    if (socket !== null) {
      socket.onopen = null;
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
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

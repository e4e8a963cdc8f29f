// A stream tried by hand: starts a debate over a WebSocket, and notes every frame that comes.

import { Acks } from "../client/acks.ts";
import type { Ending } from "../protocol/close-codes.ts";
import { type ClientFrame, Connection, type ConnectionState, type Socket } from "../client/connection.ts";
import type { Frame, Status, StreamState } from "../protocol/events.gen.ts";
import { fold } from "../protocol/reducer.ts";
import { EMPTY, type LogEvent, type State, seqBefore } from "../protocol/state.ts";
import { type Surroundings, browser } from "../client/platform.ts";

/** Lines that are kept; a long debate has many more. */
export const MAX_LINES = 500;
/** Characters of a frame's words that are noted. */
const MAX_TEXT = 120;
/** Over so long, in milliseconds, tokens a second are told. */
const RATE_OVER = 5_000;

export type Line = { readonly number: number; readonly at: number; readonly type: string; readonly seq: string; readonly text: string };

/** A socket that says when it is open. */
type Opening = Socket & { onopen: (() => void) | null };

export type TrialState = "idle" | "starting" | ConnectionState;

export class Trial {
  state: TrialState = "idle";
  /** Why it did not start, or ended before the debate did. */
  problem: string | null = null;
  stream: StreamState = "idle";
  lines: readonly Line[] = [];
  frames = 0;
  reconnects = 0;
  /** The debate's id, once there is one. */
  conversation: string | null = null;

  #wsUrl: string;
  #surroundings: Surroundings;
  #cancel: (conversation: string) => void;
  #changed: () => void;
  #debate: State = EMPTY;
  #noted = 0;
  #starting: Opening | null = null;
  #connection: Connection | null = null;
  #acks: Acks | null = null;
  #history: { at: number; tokens: number }[] = [];

  /** `wsUrl` is where debates are started. `cancel` is for when no connection carries that; `changed`, for when
   * there is something new to show. */
  constructor(
    wsUrl: string,
    cancel: (conversation: string) => void,
    changed: () => void,
    surroundings: Surroundings = browser,
  ) {
    this.#wsUrl = wsUrl;
    this.#cancel = cancel;
    this.#changed = changed;
    this.#surroundings = surroundings;
  }

  get isRunning(): boolean {
    return this.state !== "idle" && this.state !== "closed";
  }

  get status(): Status | null {
    return this.#debate.status;
  }

  get tokens(): number {
    return this.#debate.messages.reduce((total, message) => total + message.tokens, 0);
  }

  /** Tokens a second, over the last five. */
  get rate(): number {
    if (!this.isRunning) return 0;
    const since = this.#surroundings.now() - RATE_OVER;
    const before = this.#history.findLast(({ at }) => at <= since) ?? this.#history[0];
    return before === undefined ? 0 : (this.tokens - before.tokens) / (RATE_OVER / 1000);
  }

  start(topic: string): void {
    if (this.isRunning) return;
    Object.assign(this, { state: "starting", problem: null, stream: "idle", lines: [], frames: 0, reconnects: 0 });
    this.conversation = null;
    this.#debate = EMPTY;
    this.#noted = 0;
    this.#history = [];
    const socket = this.#surroundings.open(this.#wsUrl) as Opening;
    this.#starting = socket;
    socket.onopen = () => {
      this.#note("start", "", topic);
      socket.send(JSON.stringify({ type: "start", topic }));
    };
    socket.onmessage = ({ data }) => this.#greeted(socket, data);
    socket.onclose = ({ code }) => this.#failed(`The server closed the connection before the debate began (${code}).`);
    this.#changed();
  }

  pause(): void {
    this.#say({ type: "control", action: "pause_stream" });
  }

  resume(): void {
    this.#say({ type: "control", action: "resume_stream" });
  }

  /** Cancels the debate. The server closes the connection when that is done. */
  stop(): void {
    if (this.conversation === null) return this.#failed("Stopped before the debate began.");
    const told = this.#say({ type: "control", action: "cancel" });
    // A stream that is held would not say that it has ended.
    if (told && this.stream === "paused") this.resume();
    if (!told) {
      this.#note("cancel", "", "by a request, for there is no connection");
      this.#cancel(this.conversation);
    }
  }

  /** The page goes; the debate goes on. */
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

  /** The first answer: the debate's hello, or why there is none. */
  #greeted(socket: Socket, data: unknown): void {
    const frame: Frame = JSON.parse(String(data));
    if (frame.type === "error") return this.#failed(frame.data.message);
    if (frame.type !== "hello" || frame.conversation === null) return;
    this.conversation = frame.conversation;
    this.#starting = null;
    this.#connect(frame.conversation, socket);
    // Its first frame is taken by what it is handed to.
    socket.onmessage?.({ data });
  }

  /** From here on it is watched like any debate; the connection that started it is the first that carries it. */
  #connect(conversation: string, first: Socket): void {
    let opened: Socket | null = first;
    const surroundings: Surroundings = {
      now: () => this.#surroundings.now(),
      random: () => this.#surroundings.random(),
      later: (wait, action) => this.#surroundings.later(wait, action),
      open: (url) => {
        const socket = opened ?? this.#surroundings.open(url);
        opened = null;
        return socket;
      },
    };
    const connection = new Connection(
      `${this.#wsUrl}${conversation}/`,
      {
        reset: () => {
          this.#debate = EMPTY;
        },
        event: (event) => this.#event(event),
        aside: (frame) => this.#aside(frame),
        state: (state, ending) => this.#connected(state, ending),
      },
      surroundings,
    );
    this.#connection = connection;
    this.#acks = new Acks((seq, waited) => connection.ack(seq, waited), surroundings);
    connection.start();
  }

  #event(event: LogEvent): void {
    this.#debate = fold([event], this.#debate);
    this.#count(event);
    if (document.hidden) this.painted(event.seq);
    this.#changed();
  }

  #aside(frame: Frame): void {
    if (frame.type === "hello") {
      this.stream = "streaming";
      this.#acks?.begin(frame.data.from);
    } else if (frame.type === "stream") this.stream = frame.data.state;
    else if (frame.type === "heartbeat") this.#acks?.answer();
    this.#count(frame);
    this.#changed();
  }

  #count(frame: Frame): void {
    this.frames += 1;
    const now = this.#surroundings.now();
    this.#history.push({ at: now, tokens: this.tokens });
    while (this.#history.length > 2 && (this.#history[1]?.at ?? now) <= now - RATE_OVER) this.#history.shift();
    this.#note(frame.type, frame.seq === null ? "" : numbers(frame as LogEvent), text(frame));
  }

  #connected(state: ConnectionState, ending: Ending | null): void {
    this.state = state;
    if (state === "reconnecting") this.reconnects += 1;
    if (state !== "live") this.#note(state, "", ending?.sentence ?? "");
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
    this.#note("closed", "", problem);
    this.#changed();
  }

  #say(frame: ClientFrame & { type: "control" }): boolean {
    const sent = this.#connection?.send(frame) ?? false;
    if (sent) this.#note(frame.action, "", "sent");
    this.#changed();
    return sent;
  }

  #note(type: string, seq: string, words: string): void {
    const line = { number: this.#noted++, at: Date.now(), type, seq, text: cut(words) };
    this.lines = [...this.lines.slice(1 - MAX_LINES), line];
  }
}

/** The events a frame stands for. */
function numbers(event: LogEvent): string {
  const first = seqBefore(event) + 1;
  return first === event.seq ? String(event.seq) : `${first}–${event.seq}`;
}

/** What a frame says, in short. */
function text(frame: Frame): string {
  if (frame.type === "token") return frame.data.text;
  if (frame.type === "agent_message") return `${frame.data.agent}: ${frame.data.content}`;
  return JSON.stringify(frame.data);
}

function cut(words: string): string {
  const characters = [...words.slice(0, 2 * MAX_TEXT + 1)];
  return characters.length > MAX_TEXT ? `${characters.slice(0, MAX_TEXT).join("")}…` : words;
}

// Commands and texts of the person at this page, and their outcome. They go over the connection if there is one, else
// by an HTTP request. Each has an idempotency key, so that a retry has no second effect; the log confirms it. A text that
// could not be sent is kept, and sent once the server can be reached.

import type { ClientFrame, InputFrame } from "./connection.ts";
import type { Action, Error as Refusal } from "../protocol/events.gen.ts";
import { type State, isTerminal } from "../protocol/state.ts";
import { newKey } from "../shared/keys.ts";

export type Command =
  | { readonly type: "control"; readonly action: Action }
  | InputFrame;

/** At most one pending command for each place on the page: the buttons, the composer, each question. */
export type Place = "control" | "composer" | `request ${string}`;

export type Attempt = {
  readonly command: Command;
  readonly key: string;
  /** waiting: until the server can be reached. */
  readonly state: "pending" | "waiting" | "done" | "failed";
  /** A sentence for the person if it failed. */
  readonly problem: string | null;
};

/** Sends a command by a request. `problem` is a sentence for the person if it failed, else null; the status is null if
 * no server answered. */
export type Post = (
  path: "control" | "input",
  body: object,
) => Promise<{ readonly problem: string | null; readonly status?: number | null }>;

/** After this many milliseconds without confirmation over the connection, a command is sent by an HTTP request, whose
 * response has the outcome. */
const CONFIRMED_WITHIN = 6_000;

export class Commands {
  #send: (frame: ClientFrame) => boolean;
  #post: Post;
  #changed: () => void;
  #attempts = new Map<Place, Attempt>();
  /** Keys sent over the connection, each with the timer that waits for its confirmation, undefined afterwards. */
  #sent = new Map<string, ReturnType<typeof setTimeout> | undefined>();
  /** Keys of the commands that failed because no server could be reached. */
  #unreachable = new Set<string>();

  constructor(send: (frame: ClientFrame) => boolean, post: Post, changed: () => void) {
    this.#send = send;
    this.#post = post;
    this.#changed = changed;
  }

  /** The last attempt at this place. */
  at(place: Place): Attempt | undefined {
    return this.#attempts.get(place);
  }

  isPending(place: Place): boolean {
    const state = this.#attempts.get(place)?.state;
    return state === "pending" || state === "waiting";
  }

  /** Sends the command, unless another one is pending at its place. */
  give(command: Command): void {
    const place = placeOf(command);
    if (this.isPending(place)) return;
    const before = this.#attempts.get(place);
    // The same key marks this as a retry, because the first attempt may have arrived.
    const key = before?.state === "failed" && isSameText(before.command, command) ? before.key : newKey();
    this.#try(place, { command, key, state: "pending", problem: null });
  }

  /** The server can be reached: sends what waits for that, and forgets the failures that it could not be. */
  connected(): void {
    for (const [place, attempt] of this.#attempts) {
      if (attempt.state === "waiting") this.#try(place, { ...attempt, state: "pending" });
      else if (this.#unreachable.delete(attempt.key)) this.#attempts.delete(place);
    }
  }

  /** The debate went from one state to the next: settles the commands that are in the log now. */
  update(before: State, after: State): void {
    for (const { key, command, state } of this.#attempts.values()) {
      if (state !== "done" && isDone(command, key, before, after)) this.#settle(key, null);
    }
  }

  /** The server refused a frame of the connection. Returns true if it was one of these commands. */
  refused({ message, idempotency_key: key }: Refusal): boolean {
    if (key === null || !this.#sent.has(key)) return false;
    // There is one error for each broken rule; the first one is shown.
    if (this.#sent.get(key) !== undefined) this.#settle(key, message);
    return true;
  }

  stop(): void {
    for (const timer of this.#sent.values()) clearTimeout(timer);
    this.#sent.clear();
  }

  #try(place: Place, attempt: Attempt): void {
    const { command, key } = attempt;
    this.#attempts.set(place, attempt);
    this.#changed();
    const request = (): void => void this.#request(attempt);
    if (this.#send({ ...command, idempotency_key: key })) this.#sent.set(key, setTimeout(request, CONFIRMED_WITHIN));
    else request();
  }

  async #request({ command: { type, ...fields }, key }: Attempt): Promise<void> {
    this.#stopTimer(key);
    const { problem, status } = await this.#post(type, { ...fields, idempotency_key: key });
    const isUnreachable = problem !== null && status === null;
    if (isUnreachable && type === "input") return this.#set(key, "waiting", null);
    // A command may be out of date when the server is back.
    if (isUnreachable) this.#unreachable.add(key);
    this.#settle(key, problem);
  }

  #settle(key: string, problem: string | null): void {
    this.#set(key, problem === null ? "done" : "failed", problem);
  }

  #set(key: string, state: Attempt["state"], problem: string | null): void {
    this.#stopTimer(key);
    for (const [place, attempt] of this.#attempts) {
      // The log may have confirmed it while its request was under way.
      if (attempt.key !== key || attempt.state === "done") continue;
      this.#attempts.set(place, { ...attempt, state, problem });
      this.#changed();
    }
  }

  #stopTimer(key: string): void {
    clearTimeout(this.#sent.get(key));
    if (this.#sent.has(key)) this.#sent.set(key, undefined);
  }
}

function placeOf(command: Command): Place {
  if (command.type === "control") return "control";
  return command.reply_to === undefined ? "composer" : `request ${command.reply_to}`;
}

function isSameText(before: Command, now: Command): boolean {
  return before.type === "input" && now.type === "input" && before.text === now.text && before.to === now.to;
}

function isDone(command: Command, key: string, before: State, { entries, status }: State): boolean {
  if (entries.some(({ data }) => "idempotency_key" in data && data.idempotency_key === key)) return true;
  // If another device sent the same command first, only the change of status shows it.
  if (command.type !== "control" || status === before.status) return false;
  if (isTerminal(status)) return true;
  return command.action === "pause" ? status === "paused" : command.action === "resume" && status !== "paused";
}

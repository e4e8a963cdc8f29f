// Commands and texts of the person at this page, and their outcome. They go over the connection if there is one, else
// by an HTTP request. Each has an idempotency key, so that a retry has no second effect; the log confirms it.

import type { ClientFrame } from "./connection.ts";
import type { Action, Error as Refusal } from "../protocol/events.gen.ts";
import { type State, isTerminal } from "../protocol/state.ts";

export type Command =
  | { readonly type: "control"; readonly action: Action }
  | { readonly type: "input"; readonly text: string; readonly reply_to?: string };

/** At most one pending command for each place on the page: the buttons, the composer, each question. */
export type Place = "control" | "composer" | `request ${string}`;

export type Attempt = {
  readonly command: Command;
  readonly key: string;
  readonly state: "pending" | "done" | "failed";
  /** A sentence for the person if it failed. */
  readonly problem: string | null;
};

/** Sends a command by a request. Returns a sentence for the person if it failed, else null. */
export type Post = (path: "control" | "input", body: object) => Promise<string | null>;

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
    return this.#attempts.get(place)?.state === "pending";
  }

  /** Sends the command, unless another one is pending at its place. */
  give(command: Command): void {
    const place = placeOf(command);
    if (this.isPending(place)) return;
    const before = this.#attempts.get(place);
    // The same key marks this as a retry, because the first attempt may have arrived.
    const key = before?.state === "failed" && isSameText(before.command, command) ? before.key : newKey();
    const attempt: Attempt = { command, key, state: "pending", problem: null };
    this.#attempts.set(place, attempt);
    this.#changed();
    const request = (): void => void this.#request(attempt);
    if (this.#send({ ...command, idempotency_key: key })) this.#sent.set(key, setTimeout(request, CONFIRMED_WITHIN));
    else request();
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

  async #request({ command: { type, ...fields }, key }: Attempt): Promise<void> {
    this.#stopTimer(key);
    this.#settle(key, await this.#post(type, { ...fields, idempotency_key: key }));
  }

  #settle(key: string, problem: string | null): void {
    this.#stopTimer(key);
    for (const [place, attempt] of this.#attempts) {
      if (attempt.key !== key) continue;
      this.#attempts.set(place, { ...attempt, state: problem === null ? "done" : "failed", problem });
      this.#changed();
    }
  }

  #stopTimer(key: string): void {
    clearTimeout(this.#sent.get(key));
    if (this.#sent.has(key)) this.#sent.set(key, undefined);
  }
}

/** crypto.randomUUID does not exist on pages served by plain http. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function placeOf(command: Command): Place {
  if (command.type === "control") return "control";
  return command.reply_to === undefined ? "composer" : `request ${command.reply_to}`;
}

function isSameText(before: Command, now: Command): boolean {
  return before.type === "input" && now.type === "input" && before.text === now.text;
}

function isDone(command: Command, key: string, before: State, { entries, status }: State): boolean {
  if (entries.some(({ data }) => "idempotency_key" in data && data.idempotency_key === key)) return true;
  // If another device sent the same command first, only the change of status shows it.
  if (command.type !== "control" || status === before.status) return false;
  if (isTerminal(status)) return true;
  return command.action === "pause" ? status === "paused" : command.action === "resume" && status !== "paused";
}

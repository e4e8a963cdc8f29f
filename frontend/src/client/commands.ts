// What a person has asked the server to do, and what became of it: over the connection where there is one, else
// by an ordinary request. Each carries a key, so that asking twice does it once; what was done comes back in the log.

import type { ClientFrame } from "./connection.ts";
import type { Action, Error as Refusal } from "../protocol/events.gen.ts";
import { type LogEvent, isTerminal } from "../protocol/state.ts";
import type { Surroundings } from "./platform.ts";

export type Command =
  | { readonly type: "control"; readonly action: Action }
  | { readonly type: "input"; readonly text: string; readonly reply_to: string | null };

/** One thing at a time for each place on the page: the debate's buttons, the field below it, each question. */
export type Place = "control" | "say" | `request ${string}`;

export type Attempt = {
  readonly command: Command;
  readonly key: string;
  readonly state: "pending" | "done" | "failed";
  /** A sentence for the person where it failed. */
  readonly problem: string | null;
};

type Answer = { readonly ok: true } | { readonly ok: false; readonly problem: string };
export type Post = (path: "control" | "input", body: object) => Promise<Answer>;

/** What went out over a connection and has not come back by now goes by a request, which says what became of it. */
const COME_BACK_WITHIN = 6_000;

export class Commands {
  #send: (frame: ClientFrame) => boolean;
  #post: Post;
  #changed: () => void;
  #later: Surroundings["later"];
  #attempts = new Map<Place, Attempt>();
  /** Those that the connection took, each with what calls off the wait. */
  #sent = new Map<string, () => void>();
  #keys = new Set<string>();

  constructor(
    send: (frame: ClientFrame) => boolean,
    post: Post,
    changed: () => void,
    { later }: Pick<Surroundings, "later">,
  ) {
    this.#send = send;
    this.#post = post;
    this.#changed = changed;
    this.#later = later;
  }

  /** The last thing that was tried at this place. */
  at(place: Place): Attempt | undefined {
    return this.#attempts.get(place);
  }

  isPending(place: Place): boolean {
    return this.#attempts.get(place)?.state === "pending";
  }

  /** Asks the server. While an answer is awaited at this place, nothing more is asked there. */
  give(command: Command): void {
    const place = placeOf(command);
    if (this.isPending(place)) return;
    const before = this.#attempts.get(place);
    // The same words again may be the same words twice: the key of the first try tells the server.
    const key = before?.state === "failed" && sameWords(before.command, command) ? before.key : newKey();
    const attempt: Attempt = { command, key, state: "pending", problem: null };
    this.#attempts.set(place, attempt);
    this.#changed();
    if (this.#send(frameOf(attempt))) {
      this.#keys.add(key);
      this.#sent.set(key, this.#later(COME_BACK_WITHIN, () => void this.#request(attempt)));
    } else void this.#request(attempt);
  }

  /** What happened in the debate: perhaps what was asked for here. */
  event(event: LogEvent): void {
    for (const { key, command, state } of this.#attempts.values()) {
      if (state !== "done" && isDone(command, key, event)) this.#settle(key, null);
    }
  }

  /** The connection refused something; true where it was something of these. */
  refused({ message, idempotency_key: key }: Refusal): boolean {
    if (key === null || !this.#keys.has(key)) return false;
    // It may have broken several rules: the first one is enough to say.
    if (this.#sent.has(key)) this.#settle(key, message);
    return true;
  }

  stop(): void {
    for (const callOff of this.#sent.values()) callOff();
    this.#sent.clear();
  }

  async #request({ command, key }: Attempt): Promise<void> {
    this.#sent.delete(key);
    const { type, ...fields } = command;
    const answer = await this.#post(type, { ...withoutNull(fields), idempotency_key: key });
    this.#settle(key, answer.ok ? null : answer.problem);
  }

  #settle(key: string, problem: string | null): void {
    this.#sent.get(key)?.();
    this.#sent.delete(key);
    for (const [place, attempt] of this.#attempts) {
      if (attempt.key !== key) continue;
      this.#attempts.set(place, { ...attempt, state: problem === null ? "done" : "failed", problem });
      this.#changed();
    }
  }
}

/** crypto.randomUUID is not there on a page that came by plain http. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function placeOf(command: Command): Place {
  if (command.type === "control") return "control";
  return command.reply_to === null ? "say" : `request ${command.reply_to}`;
}

function sameWords(before: Command, now: Command): boolean {
  return before.type === "input" && now.type === "input" && before.text === now.text;
}

function frameOf({ command, key: idempotency_key }: Attempt): ClientFrame {
  if (command.type === "control") return { ...command, idempotency_key };
  const { reply_to, ...said } = command;
  return reply_to === null ? { ...said, idempotency_key } : { ...said, reply_to, idempotency_key };
}

function withoutNull(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function isDone(command: Command, key: string, event: LogEvent): boolean {
  if (event.type === "control" || event.type === "human_message") return event.data.idempotency_key === key;
  // Where another device was quicker, nothing but the status tells.
  if (event.type !== "status" || command.type !== "control") return false;
  const { status } = event.data;
  if (isTerminal(status)) return true;
  return command.action === "pause" ? status === "paused" : command.action === "resume" && status !== "paused";
}

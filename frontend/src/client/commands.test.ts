import { beforeEach, expect, test } from "vitest";
import type { Command } from "./commands.ts";
import { Commands } from "./commands.ts";
import type { ClientFrame } from "./connection.ts";
import type { Action, Error as Refusal } from "../protocol/events.gen.ts";
import type { LogEvent } from "../protocol/state.ts";
import { World } from "../testing/fake-platform.test-data.ts";

const PAUSE: Command = { type: "control", action: "pause" };
const WORDS: Command = { type: "input", text: "Look at the cap.", reply_to: null };
const ANSWER: Command = { type: "input", text: "Until June.", reply_to: "r1" };

let world: World;
let open: boolean;
let sent: ClientFrame[];
let asked: { path: string; body: Record<string, unknown> }[];
let answers: ({ ok: true } | { ok: false; problem: string })[];
let commands: Commands;

beforeEach(() => {
  world = new World();
  open = true;
  sent = [];
  asked = [];
  answers = [];
  commands = new Commands(
    (frame) => {
      if (open) sent.push(frame);
      return open;
    },
    async (path, body) => {
      asked.push({ path, body: body as Record<string, unknown> });
      return answers.shift() ?? { ok: true };
    },
    () => {},
    world,
  );
});

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
const refusal = (message: string, idempotency_key: string | null): Refusal => ({
  code: "x",
  message,
  retryable: true,
  field: null,
  rule: null,
  idempotency_key,
});

function key(frame: ClientFrame | undefined): string {
  if (frame === undefined || !("idempotency_key" in frame)) throw new Error("no key was sent");
  return frame.idempotency_key ?? "";
}

function event(type: string, data: object): LogEvent {
  return { type, seq: 1, conversation: "1", at: "2026-01-05T14:30:00Z", data } as LogEvent;
}

const control = (action: Action, idempotency_key: string | null): LogEvent =>
  event("control", { action, actor: "alice", idempotency_key });
const status = (word: string): LogEvent => event("status", { status: word, mode: "live", reason: null });
const said = (idempotency_key: string | null): LogEvent =>
  event("human_message", { author: "alice", text: "Look at the cap.", reply_to: null, idempotency_key });

test("a command goes over the connection, and is pending until it stands in the log", () => {
  commands.give(PAUSE);
  expect(sent).toEqual([{ type: "control", action: "pause", idempotency_key: key(sent[0]) }]);
  expect(commands.isPending("control")).toBe(true);
  commands.event(control("pause", "somebody else's"));
  expect(commands.isPending("control")).toBe(true);
  commands.event(control("pause", key(sent[0])));
  expect(commands.at("control")?.state).toBe("done");
  world.pass(60_000);
  expect(asked).toEqual([]);
});

test("while it is pending, nothing more is asked in its place", () => {
  commands.give(PAUSE);
  commands.give({ type: "control", action: "cancel" });
  commands.give(WORDS);
  expect(sent.map((frame) => frame.type)).toEqual(["control", "input"]);
});

test.each([
  ["pause", "paused", true],
  ["pause", "active", false],
  ["resume", "active", true],
  ["resume", "paused", false],
  ["cancel", "active", false],
  ["cancel", "completed", true],
] as const)("after %s, the status %s means that it is done: %s", (action, word, done) => {
  commands.give({ type: "control", action });
  commands.event(status(word));
  expect(commands.isPending("control")).toBe(!done);
});

test("words to the panel and answers have places of their own", () => {
  commands.give(WORDS);
  commands.give(ANSWER);
  expect(sent).toEqual([
    { type: "input", text: "Look at the cap.", idempotency_key: key(sent[0]) },
    { type: "input", text: "Until June.", reply_to: "r1", idempotency_key: key(sent[1]) },
  ]);
  commands.event(said(key(sent[0])));
  expect([commands.isPending("say"), commands.isPending("request r1")]).toEqual([false, true]);
});

test("a refusal belongs to the command whose key it carries", () => {
  commands.give(WORDS);
  commands.give(PAUSE);
  expect(commands.refused(refusal("Not now.", key(sent[1])))).toBe(true);
  expect(commands.at("control")?.problem).toBe("Not now.");
  expect(commands.isPending("say")).toBe(true);
  expect(commands.refused(refusal("Something else.", null))).toBe(false);
  expect(commands.refused(refusal("Somebody else's.", "another key"))).toBe(false);
});

test("of several broken rules the first is told", () => {
  commands.give(WORDS);
  expect(commands.refused(refusal("Too long.", key(sent[0])))).toBe(true);
  expect(commands.refused(refusal("Not a text.", key(sent[0])))).toBe(true);
  expect(commands.at("say")?.problem).toBe("Too long.");
});

test("what has gone by a request waits for its answer, whatever the connection refuses", () => {
  commands.give(WORDS);
  world.pass(6_000);
  commands.refused(refusal("Not now.", key(sent[0])));
  expect(commands.isPending("say")).toBe(true);
});

test("without a connection it goes by a request", async () => {
  open = false;
  commands.give(ANSWER);
  expect(commands.isPending("request r1")).toBe(true);
  await settled();
  expect(asked).toEqual([
    { path: "input", body: { text: "Until June.", reply_to: "r1", idempotency_key: asked[0]?.body["idempotency_key"] } },
  ]);
  expect(asked[0]?.body["idempotency_key"]).toMatch(/^[0-9a-f]{32}$/);
  expect(commands.at("request r1")?.state).toBe("done");
});

test("what the connection swallowed is asked again by a request, with the same key", async () => {
  commands.give(PAUSE);
  world.pass(5_999);
  expect(asked).toEqual([]);
  world.pass(1);
  await settled();
  expect(asked).toEqual([{ path: "control", body: { action: "pause", idempotency_key: key(sent[0]) } }]);
  expect(commands.at("control")?.state).toBe("done");
});

test("the same words after a failure have the same key; others have another", async () => {
  open = false;
  answers = [{ ok: false, problem: "Unreachable." }, { ok: false, problem: "Unreachable." }];
  commands.give(WORDS);
  await settled();
  expect(commands.at("say")?.problem).toBe("Unreachable.");
  commands.give(WORDS);
  await settled();
  commands.give({ ...WORDS, text: "Look at the floor." });
  await settled();
  const keys = asked.map(({ body }) => body["idempotency_key"]);
  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).not.toBe(keys[0]);
});

test("the same words again, after they have arrived, are said again", () => {
  commands.give(WORDS);
  commands.event(said(key(sent[0])));
  commands.give(WORDS);
  expect(key(sent[1])).not.toBe(key(sent[0]));
});

test("what seemed to fail and stands in the log did not fail", () => {
  commands.give(WORDS);
  commands.refused(refusal("Try again.", key(sent.at(-1))));
  commands.event(said(key(sent[0])));
  expect(commands.at("say")).toMatchObject({ state: "done", problem: null });
});

test("each command has a key of its own", () => {
  commands.give(PAUSE);
  commands.refused(refusal("Try again.", key(sent.at(-1))));
  commands.give(PAUSE);
  expect(key(sent[1])).not.toBe(key(sent[0]));
});

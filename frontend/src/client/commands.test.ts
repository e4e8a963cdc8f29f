import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Command } from "./commands.ts";
import { Commands } from "./commands.ts";
import type { ClientFrame } from "./connection.ts";
import type { Error as Refusal } from "../protocol/events.gen.ts";
import { EMPTY, type State } from "../protocol/state.ts";

const PAUSE: Command = { type: "control", action: "pause" };
const WORDS: Command = { type: "input", text: "Look at the cap." };
const ANSWER: Command = { type: "input", text: "Until June.", reply_to: "r1" };

let open: boolean;
let sent: ClientFrame[];
let asked: { path: string; body: Record<string, unknown> }[];
/** What requests answer: a sentence for a failure; null if no server can be reached. */
let answers: (string | null)[];
let commands: Commands;

beforeEach(() => {
  vi.useFakeTimers();
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
      const problem = answers.shift();
      if (problem === null) return { problem: "Unreachable.", status: null };
      return { problem: problem ?? null, status: 409 };
    },
    () => {},
  );
});

afterEach(() => void vi.useRealTimers());

const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
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

function logged(idempotency_key: string): State {
  const at = { seq: 1, conversation: "1", at: "2026-01-05T14:30:00Z" };
  const data = { action: "pause", actor: "alice", idempotency_key } as const;
  return { ...EMPTY, entries: [{ ...at, type: "control", data }] };
}

test("a command is pending until the log has it", () => {
  commands.give(PAUSE);
  expect(sent).toEqual([{ type: "control", action: "pause", idempotency_key: key(sent[0]) }]);
  expect(commands.isPending("control")).toBe(true);
  commands.update(EMPTY, logged("somebody else's"));
  expect(commands.isPending("control")).toBe(true);
  commands.update(EMPTY, logged(key(sent[0])));
  expect(commands.at("control")?.state).toBe("done");
  vi.advanceTimersByTime(60_000);
  expect(asked).toEqual([]);
});

test("a pending command blocks others at its place", () => {
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
] as const)("%s is confirmed by the status %s: %s", (action, word, done) => {
  const before: State = { ...EMPTY, status: word === "paused" ? "active" : "paused" };
  commands.give({ type: "control", action });
  commands.update(before, { ...before, status: word });
  expect(commands.isPending("control")).toBe(!done);
});

test("a status that did not change confirms nothing", () => {
  commands.give({ type: "control", action: "resume" });
  commands.update({ ...EMPTY, status: "active" }, { ...EMPTY, status: "active" });
  expect(commands.isPending("control")).toBe(true);
});

test("texts to the panel and answers have separate places", () => {
  commands.give(WORDS);
  commands.give(ANSWER);
  expect(sent).toEqual([
    { type: "input", text: "Look at the cap.", idempotency_key: key(sent[0]) },
    { type: "input", text: "Until June.", reply_to: "r1", idempotency_key: key(sent[1]) },
  ]);
  commands.update(EMPTY, logged(key(sent[0])));
  expect([commands.isPending("composer"), commands.isPending("request r1")]).toEqual([false, true]);
});

test("a refusal belongs to the command with its key", () => {
  commands.give(WORDS);
  commands.give(PAUSE);
  expect(commands.refused(refusal("Not now.", key(sent[1])))).toBe(true);
  expect(commands.at("control")?.problem).toBe("Not now.");
  expect(commands.isPending("composer")).toBe(true);
  expect(commands.refused(refusal("Something else.", null))).toBe(false);
  expect(commands.refused(refusal("Somebody else's.", "another key"))).toBe(false);
});

test("of several errors the first is shown", () => {
  commands.give(WORDS);
  expect(commands.refused(refusal("Too long.", key(sent[0])))).toBe(true);
  expect(commands.refused(refusal("Not a text.", key(sent[0])))).toBe(true);
  expect(commands.at("composer")?.problem).toBe("Too long.");
});

test("a command sent by a request ignores refusals of the connection", () => {
  commands.give(WORDS);
  vi.advanceTimersByTime(6_000);
  commands.refused(refusal("Not now.", key(sent[0])));
  expect(commands.isPending("composer")).toBe(true);
});

test("without a connection a command goes by a request", async () => {
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

test("an unconfirmed command is repeated by a request with its key", async () => {
  commands.give(PAUSE);
  vi.advanceTimersByTime(5_999);
  expect(asked).toEqual([]);
  vi.advanceTimersByTime(1);
  await settled();
  expect(asked).toEqual([{ path: "control", body: { action: "pause", idempotency_key: key(sent[0]) } }]);
  expect(commands.at("control")?.state).toBe("done");
});

test("the same text after a failure has the same key, another has not", async () => {
  open = false;
  answers = ["Not now.", "Not now."];
  commands.give(WORDS);
  await settled();
  expect(commands.at("composer")?.problem).toBe("Not now.");
  commands.give(WORDS);
  await settled();
  commands.give({ ...WORDS, text: "Look at the floor." });
  await settled();
  const keys = asked.map(({ body }) => body["idempotency_key"]);
  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).not.toBe(keys[0]);
});

test("the same text after a success is sent again", () => {
  commands.give(WORDS);
  commands.update(EMPTY, logged(key(sent[0])));
  commands.give(WORDS);
  expect(key(sent[1])).not.toBe(key(sent[0]));
});

test("a failed command that the log confirms is done", () => {
  commands.give(WORDS);
  commands.refused(refusal("Try again.", key(sent.at(-1))));
  commands.update(EMPTY, logged(key(sent[0])));
  expect(commands.at("composer")).toMatchObject({ state: "done", problem: null });
});

test("each command has a key of its own", () => {
  commands.give(PAUSE);
  commands.refused(refusal("Try again.", key(sent.at(-1))));
  commands.give(PAUSE);
  expect(key(sent[1])).not.toBe(key(sent[0]));
});

test("a text that cannot be sent waits, and is sent with its key once there is a connection", async () => {
  open = false;
  answers = [null, null];
  commands.give(WORDS);
  await settled();
  expect(commands.at("composer")).toMatchObject({ state: "waiting", problem: null });
  commands.give({ ...WORDS, text: "Another." });
  expect(asked).toHaveLength(1);
  // The connection is back, and breaks at once.
  commands.connected();
  await settled();
  expect(commands.at("composer")?.state).toBe("waiting");
  open = true;
  commands.connected();
  expect(sent).toEqual([{ type: "input", text: "Look at the cap.", idempotency_key: asked[0]?.body["idempotency_key"] }]);
  commands.update(EMPTY, logged(key(sent[0])));
  expect(commands.at("composer")?.state).toBe("done");
});

test("a command that could not be sent is an error until there is a connection", async () => {
  open = false;
  answers = [null];
  commands.give(PAUSE);
  await settled();
  expect(commands.at("control")).toMatchObject({ state: "failed", problem: "Unreachable." });
  commands.connected();
  expect(commands.at("control")).toBeUndefined();
  expect(sent).toEqual([]);
});

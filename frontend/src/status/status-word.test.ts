import { expect, test } from "vitest";
import { statusWord, stopReason } from "./status-word.ts";
import type { Page } from "../client/page-data.ts";
import { reduce } from "../protocol/reducer.ts";
import { EMPTY, type State } from "../protocol/state.ts";
import { recorded } from "../testing/recordings.test-data.ts";

const PAGE = { status: "queued", reason: null, canControl: true, canSpeak: true } as Page;

function word(state: State, age = 60_000, page: Partial<Page> = {}): string {
  return statusWord({ page: { ...PAGE, ...page }, state, age });
}

function after(name: string, count?: number): State {
  return reduce(recorded(name).events.slice(0, count));
}

test("a debate is initializing for a second, and until its first message", () => {
  const begun = recorded("debate").events.findIndex(({ type }) => type === "message_start");
  expect(word(EMPTY, 1_500)).toBe("Initializing");
  expect(word(after("debate", begun))).toBe("Initializing");
  expect(word(after("debate", begun + 1))).toBe("Live");
  expect(word(after("debate"), 999)).toBe("Initializing");
  expect(word(after("error"), 999)).toBe("Failed");
});

test("a debate is queued only if it waits", () => {
  expect([word(EMPTY, 2_000), word(EMPTY, 3_000)]).toEqual(["Initializing", "Queued"]);
  expect([word(EMPTY, 999, { reason: "busy" }), word(EMPTY, 1_000, { reason: "busy" })]).toEqual(["Initializing", "Queued"]);
});

test("a debate that ended says how", () => {
  expect(["debate", "budget_spent", "cancelled", "error"].map((name) => word(after(name)))).toEqual([
    "Complete",
    "Stopped",
    "Stopped",
    "Failed",
  ]);
  expect(["debate", "budget", "cancelled"].map((name) => stopReason({ page: PAGE, state: after(name) }))).toEqual([
    null,
    "Limit reached",
    "By alice",
  ]);
});

test("a debate that waits for an answer says whose", () => {
  const asked = recorded("humans").events.findIndex(({ type, data }) => type === "status" && "status" in data && data.status === "awaiting_input");
  const state = after("humans", asked + 1);
  expect([word(state), word(state, 60_000, { canControl: false, canSpeak: false })]).toEqual([
    "Waiting for you",
    "Waiting for the owner",
  ]);
});

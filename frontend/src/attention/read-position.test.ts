import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AutoScroll } from "./auto-scroll.ts";
import { ReadPosition, type Situation } from "./read-position.ts";
import { reduce } from "../protocol/reducer.ts";
import { EMPTY, type State } from "../protocol/state.ts";
import { recorded } from "../testing/recordings.test-data.ts";

const { events } = recorded("debate");
const BEFORE = reduce(events.slice(0, events.findIndex(({ type }) => type === "agent_message") + 1));
const AFTER = reduce(events);

let position: ReadPosition;

beforeEach(() => {
  vi.useFakeTimers();
  const scroll: Pick<AutoScroll, "hold" | "release"> = { hold: () => {}, release: () => {} };
  position = new ReadPosition(scroll as AutoScroll);
  update(BEFORE);
});

afterEach(() => void vi.useRealTimers());

function update(state: State, situation: Partial<Situation> = {}): string | null {
  const seen = { isHidden: false, isCurrent: true, receivedAt: Date.now(), patience: 30_000 };
  return position.update({ ...seen, ...situation }, state);
}

test("a reader who comes back is told what they missed", () => {
  update(BEFORE, { isHidden: true });
  vi.advanceTimersByTime(60_000);
  expect(update(AFTER)).toBe("3 messages while you were away.");
  expect([position.missed?.count, position.isBack]).toEqual([3, true]);
});

test("a reader who was not absent has missed nothing", () => {
  expect(update(AFTER)).toBeNull();
  expect([position.missed, position.isBack]).toEqual([null, false]);
});

test("a replay from 0 during the absence changes nothing", () => {
  update(BEFORE, { isHidden: true });
  vi.advanceTimersByTime(60_000);
  update(EMPTY, { isHidden: true });
  expect(update(AFTER)).toBe("3 messages while you were away.");
});

test.each([
  [4_999, 3],
  [5_000, undefined],
])("after %i ms in which nothing came the divider is %s", (milliseconds, count) => {
  update(BEFORE, { isHidden: true });
  vi.advanceTimersByTime(60_000);
  update(AFTER);
  update(AFTER, { isHidden: true });
  vi.advanceTimersByTime(milliseconds);
  expect(update(AFTER)).toBeNull();
  expect(position.missed?.count).toBe(count);
});

test("with a dead connection the absence begins at its last frame", () => {
  update(BEFORE, { isHidden: true });
  vi.advanceTimersByTime(60_000);
  update(AFTER);
  update(AFTER, { isCurrent: false, receivedAt: Date.now() - 40_000 });
  vi.advanceTimersByTime(1_000);
  update(AFTER);
  // It was not brief, so the divider of the absence before it is gone.
  expect(position.missed).toBeNull();
});

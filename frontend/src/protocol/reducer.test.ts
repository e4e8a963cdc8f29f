import { describe, expect, test } from "vitest";
import { MissingEvent, fold } from "./reducer.ts";
import { recorded, recordings } from "../testing/recordings.test-data.ts";
import { EMPTY } from "./state.ts";

test("there are recordings", () => {
  expect(recordings.length).toBeGreaterThan(5);
});

describe.each(recordings)("%s", (_name, { events, state }) => {
  test("folds to the state that the server stored", () => {
    expect(fold(events)).toStrictEqual(state);
  });

  test("folds to the same state from any cursor on, whatever is repeated", () => {
    for (let cut = 0; cut <= events.length; cut += 1) {
      const before = fold(events.slice(0, cut));
      expect(fold(events, before)).toStrictEqual(state);
    }
  });

  test("leaves the state it was given as it was", () => {
    const before = fold(events.slice(0, events.length / 2));
    const copy = structuredClone(before);
    fold(events, before);
    expect(before).toStrictEqual(copy);
  });
});

test("a missing event is an error, not a hole", () => {
  const { events } = recorded("debate");
  expect(() => fold([events[0]!, events[2]!])).toThrow(MissingEvent);
});

test("an untouched message keeps its identity", () => {
  const { events } = recorded("debate");
  const last = events.findLastIndex((event) => event.type === "token");
  const before = fold(events.slice(0, last));
  const after = fold([events[last]!], before);
  expect(after.messages[0]).toBe(before.messages[0]);
  expect(after.messages.at(-1)).not.toBe(before.messages.at(-1));
  expect(EMPTY.messages).toHaveLength(0);
});

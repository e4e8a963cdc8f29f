import { describe, expect, test } from "vitest";
import { MissingEvent, reduce } from "./reducer.ts";
import { recorded, recordings, transcriptOf } from "../testing/recordings.test-data.ts";
import { EMPTY, type LogEvent } from "./state.ts";

/** Makes every change of the value, or of anything in it, throw. */
function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  Object.values(value).forEach(freeze);
}

test("there are recordings", () => {
  expect(recordings.length).toBeGreaterThan(5);
});

describe.each(recordings)("%s", (_name, { events, state }) => {
  test("reduces to the state that the server stored", () => {
    expect(transcriptOf(reduce(events))).toStrictEqual(state);
  });

  test("reduces to the same state from any cursor, with repeated events", () => {
    const whole = reduce(events);
    for (let cut = 0; cut <= events.length; cut += 1) {
      expect(reduce(events, reduce(events.slice(0, cut)))).toStrictEqual(whole);
    }
  });

  test("has an entry for each event that the page shows", () => {
    const shown = ["message_start", "input_request", "human_message", "control", "fallback", "error", "complete"];
    const budget = events.find(({ type, data }) => type === "status" && "reason" in data && data.reason === "budget");
    // Thoughts stand before the message that they lead to, though they began after it.
    const entries = reduce(events).entries.toSorted((one, other) => one.seq - other.seq);
    expect(entries).toEqual(events.filter((event) => shown.includes(event.type) || event === budget));
  });

  test("does not change the given state", () => {
    const before = reduce(events.slice(0, events.length / 2));
    freeze(before);
    expect(() => reduce(events, before)).not.toThrow();
  });

  test("skips unknown event types", () => {
    const unknown = (type: string): LogEvent[] =>
      events.flatMap((event, index) => [
        { ...event, seq: 2 * index + 1 },
        { ...event, type, seq: 2 * index + 2 } as unknown as LogEvent,
      ]);
    for (const type of ["unheard_of", "constructor"]) {
      const { entries, head, ...reduced } = reduce(unknown(type));
      const known = reduce(events);
      expect({ ...reduced, head: head / 2 }).toEqual({ ...known, entries: undefined });
      expect(entries.map(({ data }) => data)).toStrictEqual(known.entries.map(({ data }) => data));
    }
  });

  test("ignores unknown fields", () => {
    const newer = events.map((event) => {
      const unknown = { id: "x", tokens: -1, newer: true };
      return { ...event, newer: true, data: { ...unknown, ...event.data } } as unknown as LogEvent;
    });
    expect(reduce(newer)).toMatchObject(reduce(events));
  });

  test("keeps unknown statuses, modes, kinds and commands as they are", () => {
    const words = new Set(["status", "mode", "kind", "action", "verdict", "reason", "finish_reason"]);
    const newer = events.map(({ data, ...event }) => {
      const entries = Object.entries(data).map(([name, value]) => [name, words.has(name) ? "newer" : value]);
      return { ...event, data: Object.fromEntries(entries) } as unknown as LogEvent;
    });
    const { status, mode, messages, entries } = reduce(newer);
    expect({ status, mode }).toStrictEqual({ status: "newer", mode: "newer" });
    expect(messages.map(({ kind }) => kind as string)).toStrictEqual(messages.map(() => "newer"));
    expect(entries).toHaveLength(reduce(events).entries.filter(({ type }) => type !== "status").length);
  });
});

test("a missing event is an error, not a hole", () => {
  const { events } = recorded("debate");
  expect(() => reduce([events[0]!, events[2]!])).toThrow(MissingEvent);
});

test("an untouched message keeps its identity", () => {
  const { events } = recorded("debate");
  const last = events.findLastIndex((event) => event.type === "token");
  const before = reduce(events.slice(0, last));
  const after = reduce([events[last]!], before);
  expect(after.messages[0]).toBe(before.messages[0]);
  expect(after.messages.at(-1)).not.toBe(before.messages.at(-1));
  expect(EMPTY.messages).toHaveLength(0);
});

test("a debate starts when it leaves the queue, and ends with its last status", () => {
  const { events } = recorded("debate");
  const statuses = events.flatMap((event) => (event.type === "status" ? [event] : []));
  const started = statuses.find(({ data }) => data.status !== "queued");
  expect(reduce(events.slice(0, 1)).startedAt).toBe(started === events[0] ? started?.at : null);
  expect(reduce(events)).toMatchObject({ startedAt: started?.at, endedAt: statuses.at(-1)?.at });
  expect(reduce(events.slice(0, 5)).endedAt).toBeNull();
});

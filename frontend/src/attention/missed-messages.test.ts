import { expect, test } from "vitest";
import { type Missed, missedSentence, missedSince, seenIn } from "./missed-messages.ts";
import { reduce } from "../protocol/reducer.ts";
import { recorded } from "../testing/recordings.test-data.ts";
import type { State } from "../protocol/state.ts";

const { events } = recorded("debate");
const [analyst, market, risk] = reduce(events).messages.map(({ id }) => id);

/** The seq of the entry that a message began. */
function entryOf(id: string | undefined, name = "debate"): number | undefined {
  return after(name).entries.find(({ data }) => "message" in data && data.message === id)?.seq;
}

function after(name: string, count?: number): State {
  return reduce(recorded(name).events.slice(0, count));
}

/** What a reader missed who left after `from` events, until `to` events had come. */
function missed(name: string, from: number, to?: number, isBrief = false): Missed | null {
  return missedSince(seenIn(after(name, from)), after(name, to), isBrief);
}

/** How many events had come when a message began, or was whole. */
function place(type: "message_start" | "agent_message", id: string | undefined, log = events): number {
  return log.findIndex((event) => event.type === type && event.data.message === id) + 1;
}

test("the moderator's message and the verdict count once", () => {
  expect(missed("debate", 3)).toEqual({ count: 4, before: entryOf(analyst) });
});

test("a message that was incomplete when the reader left counts once complete", () => {
  expect(missed("debate", place("message_start", market) + 1)).toEqual({ count: 3, before: entryOf(market) });
});

test("an incomplete message does not count", () => {
  const from = place("agent_message", analyst);
  expect(missed("debate", from, place("agent_message", market) - 1)).toBeNull();
  expect(missed("debate", from, place("message_start", risk))).toEqual({ count: 1, before: entryOf(market) });
});

test("nothing is missed where no message came", () => {
  expect(missed("debate", events.length)).toBeNull();
});

test("after a brief absence only messages that began in it count", () => {
  const from = place("message_start", market) + 1;
  expect(missed("debate", from, place("agent_message", market), true)).toBeNull();
  expect(missed("debate", from, place("agent_message", market))).toEqual({ count: 1, before: entryOf(market) });
  expect(missed("debate", from, place("agent_message", risk), true)).toEqual({ count: 1, before: entryOf(risk) });
});

test("messages of people count, questions and commands do not", () => {
  const first = recorded("humans").events.findIndex((event) => event.type === "human_message");
  const [one, two] = after("humans").entries.flatMap(({ type, seq }) => (type === "human_message" ? [seq] : []));
  expect(missed("humans", first)).toEqual({ count: 2, before: one });
  expect(missed("humans", first + 1)).toEqual({ count: 1, before: two });
  expect(missed("humans", first + 2)).toBeNull();
});

test("discarded messages do not count", () => {
  const state = after("fallback");
  const whole = state.messages.filter((message) => message.state === "done");
  expect(state.messages.length).toBeGreaterThan(whole.length);
  expect(missed("fallback", 3)).toEqual({ count: whole.length, before: entryOf(whole[0]?.id, "fallback") });
});

test("the sentence knows singular and plural", () => {
  expect(missedSentence({ count: 1, before: 0 })).toBe("1 message while you were away");
  expect(missedSentence({ count: 14, before: 0 })).toBe("14 messages while you were away");
});

import { describe, expect, test } from "vitest";
import { allTokens, costWords, dollars, round, speakingTime, tokens } from "./usage.ts";
import { fold } from "../protocol/reducer.ts";
import { recorded } from "../testing/recordings.test-data.ts";
import { EMPTY, type LogEvent, type State } from "../protocol/state.ts";
import { NOTHING_YET, extend } from "../protocol/timeline.ts";

function after(name: string, count?: number): State {
  return fold(recorded(name).events.slice(0, count));
}

/** How many events there are up to the first that is so, with it. */
function until(name: string, found: (event: LogEvent) => boolean): number {
  return recorded(name).events.findIndex(found) + 1;
}

describe("the cost", () => {
  test("is nothing to speak of before anything was said", () => {
    expect(dollars(EMPTY)).toBeUndefined();
  });

  test("is that of whole messages, and the running estimate of the one that is spoken", () => {
    const cut = until("debate", (event) => event.type === "token" && event.data.text.includes("I accept"));
    expect(dollars(after("debate", cut))).toEqual({ amount: 0.0004 + 0.00001, isExact: true });
  });

  test("is at least that where a price is unknown", () => {
    const state = after("debate", until("debate", (event) => event.type === "agent_message"));
    const unpriced = { ...state.messages[0]!, cost: null };
    expect(dollars({ ...state, messages: [...state.messages, unpriced] })).toEqual({ amount: 0.0004, isExact: false });
  });

  test("is at least that where a turn failed half way, to the end", () => {
    for (const count of [until("failover", (event) => event.type === "message_start" && event.data.provider === "anthropic"), undefined]) {
      expect(dollars(after("failover", count))?.isExact).toBe(false);
    }
  });

  test("is what the end says where it knows", () => {
    expect(dollars(after("budget"))).toEqual({ amount: 0.0012, isExact: true });
  });

  test("that is unknown is never nothing", () => {
    expect(costWords({ amount: 0, isExact: false })).toBe("unknown");
    expect(costWords({ amount: 0, isExact: true })).toBe("$0");
    expect(costWords({ amount: 0.0016, isExact: false })).toBe("≥ $0.0016");
  });
});

test("tokens are those written; a limit counts those read, too", () => {
  expect(tokens(after("debate"))).toBe(4 * 42);
  expect(allTokens(after("debate"))).toEqual({ amount: 4 * (180 + 42), isExact: true });
  expect(allTokens(after("cancelled")).isExact).toBe(false);
});

test("speaking time is that of finished turns, and of the one that is spoken", () => {
  const cut = until("debate", (event) => event.type === "message_start" && event.data.role === "market_context");
  const events = recorded("debate").events.slice(0, cut);
  const timeline = events.reduce(extend, NOTHING_YET);
  const began = Date.parse(events.at(-1)!.at);
  expect(speakingTime(fold(events), timeline, began + 4_000)).toEqual({ amount: 1_850 + 4_000, isExact: true });
});

test("speaking time of a discarded turn is not known", () => {
  const { events } = recorded("failover");
  expect(speakingTime(fold(events), events.reduce(extend, NOTHING_YET), 0)).toEqual({ amount: 4 * 1_850, isExact: false });
});

test("the round is that of the debate, not of its judgement", () => {
  expect(round(EMPTY)).toBe(0);
  expect(after("budget").messages.at(-1)?.round).toBe(2);
  expect(round(after("budget"))).toBe(1);
});

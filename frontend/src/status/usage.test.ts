import { describe, expect, test } from "vitest";
import { allTokens, cost, formatCost, tokensOf, roundOf, speakingTime } from "./usage.ts";
import { reduce } from "../protocol/reducer.ts";
import { recorded } from "../testing/recordings.test-data.ts";
import { EMPTY, type LogEvent, type State } from "../protocol/state.ts";

function after(name: string, count?: number): State {
  return reduce(recorded(name).events.slice(0, count));
}

/** How many events there are up to the first that is so, with it. */
function until(name: string, found: (event: LogEvent) => boolean): number {
  return recorded(name).events.findIndex(found) + 1;
}

describe("the cost", () => {
  test("is undefined before the first message", () => {
    expect(cost(EMPTY)).toBeUndefined();
  });

  test("is that of whole messages and the estimate of the current one", () => {
    const cut = until("debate", (event) => event.type === "token" && event.data.text.includes("I accept"));
    expect(cost(after("debate", cut))).toEqual({ amount: 0.0004 + 0.00001, isExact: true });
  });

  test("is a lower bound if a price is unknown", () => {
    const state = after("debate", until("debate", (event) => event.type === "agent_message"));
    const unpriced = { ...state.messages[0]!, cost: null };
    expect(cost({ ...state, messages: [...state.messages, unpriced] })).toEqual({ amount: 0.0004, isExact: false });
  });

  test("stays a lower bound after a turn failed half way", () => {
    for (const count of [until("failover", (event) => event.type === "message_start" && event.data.provider === "anthropic"), undefined]) {
      expect(cost(after("failover", count))?.isExact).toBe(false);
    }
  });

  test("is the summary's where that is known", () => {
    expect(cost(after("budget"))).toEqual({ amount: 0.0012, isExact: true });
  });

  test("of a turn that failed is known where nothing is charged", () => {
    const state = after("test_run");
    const failed = { ...state.messages[0]!, state: "discarded" as const };
    expect(cost({ ...state, complete: null, messages: [...state.messages, failed] })).toEqual({ amount: 0, isExact: true });
  });

  test("that is unknown is never $0", () => {
    expect(formatCost({ amount: 0, isExact: false })).toBe("unknown");
    expect(formatCost({ amount: 0, isExact: true })).toBe("no charge");
    expect(formatCost({ amount: 0.0016, isExact: false })).toBe("≥ $0.0016");
  });
});

test("a limit counts input and output tokens", () => {
  expect(tokensOf(after("debate"))).toEqual({ input: 4 * 180, output: 4 * 42 });
  expect(allTokens(after("debate"))).toEqual({ amount: 4 * (180 + 42), isExact: true });
  expect(allTokens(after("cancelled")).isExact).toBe(false);
});

test("speaking time includes finished turns and the current one", () => {
  const cut = until("debate", (event) => event.type === "message_start" && event.data.role === "market_context");
  const events = recorded("debate").events.slice(0, cut);
  const began = Date.parse(events.at(-1)!.at);
  expect(speakingTime(reduce(events), began + 4_000)).toEqual({ amount: 1_850 + 4_000, isExact: true });
});

test("speaking time of a discarded turn is unknown", () => {
  const { events } = recorded("failover");
  expect(speakingTime(reduce(events), 0)).toEqual({ amount: 4 * 1_850, isExact: false });
});

test("the judgement does not count as a round", () => {
  expect(roundOf(EMPTY)).toBe(0);
  expect(after("budget").messages.at(-1)?.round).toBe(2);
  expect(roundOf(after("budget"))).toBe(1);
});

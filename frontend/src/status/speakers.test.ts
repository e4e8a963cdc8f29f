import { expect, test } from "vitest";
import { reduce } from "../protocol/reducer.ts";
import { EMPTY } from "../protocol/state.ts";
import { recorded } from "../testing/recordings.test-data.ts";
import { speakersOf } from "./speakers.ts";

const agents = [
  { role: "risk_challenger", name: "Risk" },
  { role: "moderator", name: "Moderator" },
];

test("an agent has the colour of its place in the panel", () => {
  const expected = { name: "Moderator", color: 1, title: "" };
  expect(speakersOf({ agents, panel: "financial-debate" }, EMPTY).get("moderator")).toEqual(expected);
  expect(speakersOf({ agents, panel: "financial-debate" }, reduce(recorded("debate").events)).get("moderator")).toEqual(expected);
});

test("agents of another panel follow in the order in which they speak", () => {
  const speakers = speakersOf({ agents, panel: "financial-debate" }, reduce(recorded("debate").events));
  expect([...speakers.keys()]).toEqual(["risk_challenger", "moderator", "financial_analyst", "market_context"]);
  expect(speakers.get("market_context")).toEqual({ name: "Market Context", color: 3, title: "" });
});

test("the ninth speaker has the first colour again", () => {
  const many = Array.from({ length: 9 }, (_, index) => ({ role: `role ${index}`, name: `Agent ${index}` }));
  expect(speakersOf({ agents: many, panel: "financial-debate" }, EMPTY).get("role 8")?.color).toBe(0);
});

test("a composed team keeps the colours that were chosen, and its moderator takes another", () => {
  const composed = [
    { role: "agent_1", name: "Value", color: 2, title: "Value investor" },
    { role: "agent_2", name: "Risk", color: 1, title: "" },
    { role: "moderator", name: "Moderator", color: null, title: "" },
  ];
  const speakers = speakersOf({ agents: composed, panel: "p1" }, EMPTY);
  expect(speakers.get("agent_1")).toEqual({ name: "Value", color: 2, title: "Value investor" });
  expect([1, 2]).not.toContain(speakers.get("moderator")?.color);
});

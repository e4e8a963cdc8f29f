import { expect, test } from "vitest";
import type { Complete } from "../protocol/events.gen.ts";
import { VerdictElement } from "./verdict-element.ts";
import { recorded } from "../testing/recordings.test-data.ts";

async function card(changes: Partial<Complete> = {}): Promise<VerdictElement> {
  const element = new VerdictElement();
  element.complete = { ...recorded("debate").state.complete!, ...changes };
  document.body.append(element);
  await element.updateComplete;
  return element;
}

test("the card shows three points and what would change it, and folds the rest", async () => {
  const element = await card({ key_points: ["One", "Two", "Three", "Four"], would_change: "The customer renews." });
  const titles = [...element.querySelectorAll(".verdict > .parts h3")].map(({ textContent }) => textContent);
  expect(titles).toEqual(["Why", "Risks", "What would change this", "Horizon"]);
  expect(element.querySelectorAll(".verdict > .parts ul")[0]?.children).toHaveLength(3);
  const rest = element.querySelector<HTMLDetailsElement>("details.rest");
  expect([rest?.open, rest?.textContent?.includes("Four")]).toEqual([false, true]);
});

test("a test model has no opinion, and its summary stays", async () => {
  const element = await card({ verdict: "no_verdict", confidence: null, reason: "test_model", summary: "Words." });
  expect(element.querySelector("h2")?.textContent).toBe("Test run, no opinion");
  expect(element.querySelector<HTMLElement>("h2")?.dataset["stance"]).toBe("no_verdict");
  expect(element.querySelector(".summary")?.textContent).toBe("Words.");
  expect(element.querySelector(".no-verdict")).toBeNull();
});

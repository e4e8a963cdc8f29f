import { afterEach, expect, test, vi } from "vitest";
import { recorded } from "../testing/recordings.test-data.ts";
import { reduce } from "../protocol/reducer.ts";
import { answerAskers } from "./askers.ts";
import type { EvidenceCardElement } from "./card-element.ts";
import type { EvidencePanelElement } from "./panel-element.ts";

await import("./panel-element.ts");
// jsdom has no popovers.
const shown = vi.fn();
HTMLElement.prototype.showPopover = shown;
HTMLElement.prototype.scrollIntoView = vi.fn();

const { events } = recorded("record");
const state = reduce(events);

async function panel(): Promise<EvidencePanelElement> {
  const made = document.createElement("outcry-evidence-panel") as EvidencePanelElement;
  Object.assign(made, { debate: state, pricesUrl: null });
  document.body.append(made);
  await made.updateComplete;
  return made;
}

const words = (element: Element | null): string => (element?.textContent ?? "").replace(/\s+/g, " ").trim();

afterEach(() => document.body.replaceChildren());

test("the panel says what the record is about, what is missing before all items, and which are cited", async () => {
  const made = await panel();
  expect(words(made)).toMatch(
    /^Evidence 2 figures, 1 missing Apple · AAPL · NASDAQ\. Nothing in it was known after 31 Dec 2012\. Missing Earnings per share \(AAPL\): no data All figures/,
  );
  expect(Array.from(made.querySelectorAll("[data-evidence]"), words)).toEqual([
    "E1 AAPL 31 Dec 2012 · cited $532.17",
    "E2 AAPL 31 Dec 2012 · cited 47.01",
  ]);
});

test("tokens do not draw the panel again, figures do", async () => {
  const made = await panel();
  const renders = vi.spyOn(made as unknown as { render(): unknown }, "render");
  const messages = state.messages.map((message) => ({ ...message, text: `${message.text} More.` }));
  made.debate = { ...state, messages };
  await made.updateComplete;
  expect(renders).not.toHaveBeenCalled();
  made.debate = reduce(events.slice(0, 11));
  await made.updateComplete;
  expect(renders).toHaveBeenCalledOnce();
  expect(words(made.querySelector("[data-evidence=E2]"))).toBe("E2 AAPL 31 Dec 2012 47.01");
});

test("an address that names an item opens its card, in the panel's list", async () => {
  history.replaceState(null, "", "#E2");
  const place = document.createElement("main");
  const card = document.createElement("outcry-evidence-card") as EvidenceCardElement;
  card.debate = state;
  place.append(card);
  document.body.append(place);
  const link = answerAskers(place, () => state, new AbortController().signal);
  const found = vi.fn();
  // Not yet there: the record comes later than the page.
  await link.follow(found);
  expect([link.isAhead, found.mock.calls.length]).toEqual([true, 0]);

  const made = await panel();
  place.append(made);
  await link.follow(found);
  expect(link.isAhead).toBe(false);
  expect(found).toHaveBeenCalledExactlyOnceWith(made.querySelector("[data-evidence=E2]"));
  expect(made.querySelector<HTMLDetailsElement>("details.items")?.open).toBe(true);
  await vi.waitFor(() => expect(words(card)).toContain("E2 · AAPL · "));
  history.replaceState(null, "", " ");
});

test("an item and a figure of a message open the card", async () => {
  const place = document.createElement("main");
  place.innerHTML = `<article data-message="${state.messages[0]?.id}"><i data-figure="41">71</i></article><button data-evidence="E1">E1</button>`;
  const card = document.createElement("outcry-evidence-card") as EvidenceCardElement;
  card.debate = state;
  place.append(card);
  document.body.append(place);
  answerAskers(place, () => state, new AbortController().signal);

  place.querySelector("button")?.click();
  await vi.waitFor(() => expect(shown).toHaveBeenCalledTimes(1));
  expect(words(card)).toContain("E1 · AAPL · Closing price $532.17");
  expect(words(card)).toContain("1 figure rests on it ✓ $532.17 Financial Analyst, round 1; matches the record");

  place.querySelector("i")?.click();
  await vi.waitFor(() => expect(shown).toHaveBeenCalledTimes(2));
  expect(words(card)).toContain("71 contradicts the record: the record has 47.01");
});

import { render } from "lit";
import { expect, test } from "vitest";
import { figureStrip } from "./figure-strip.ts";
import { itemsOf } from "./record.ts";
import { recorded } from "../testing/recordings.test-data.ts";

function drawn(figures: Parameters<typeof figureStrip>[0]): HTMLElement {
  const place = document.createElement("div");
  render(figureStrip(figures, itemsOf(recorded("record").state.evidence)), place);
  return place;
}

test("a message's figures are counted, the worst are first, and a contradicted one names the record's value", () => {
  const { figures } = recorded("record").state.messages[0]!;
  const place = drawn(figures);
  expect(place.querySelector("summary")?.textContent).toBe("2 figures: 1 matches the record, 1 contradicts the record");
  const rows = Array.from(place.querySelectorAll("li"), (row) => row.textContent.replace(/\s+/g, " ").trim());
  expect(rows).toEqual(["✕ 71 contradicts the record: the record has 47.01 (E2)", "✓ $532.17 matches the record (E1)"]);
});

test("without figures there is nothing", () => {
  expect(drawn([]).textContent).toBe("");
});

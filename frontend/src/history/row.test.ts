import { render } from "lit";
import { expect, test } from "vitest";
import { parameters } from "./filters.ts";
import type { Row } from "./history-api.ts";
import { type Actions, age, groupOf, rowTemplate, shownRow, unmarked } from "./row.ts";

const NOW = new Date(2027, 2, 10, 9, 0);

function row(created: Date, pinned = false): Row {
  return { created_at: created.toISOString(), pinned } as Row;
}

test("debates are grouped by the days of the reader's own time zone", () => {
  expect(groupOf(row(new Date(2027, 2, 10, 0, 1)), NOW)).toBe("Today");
  expect(groupOf(row(new Date(2027, 2, 9, 23, 59)), NOW)).toBe("Yesterday");
  expect(groupOf(row(new Date(2027, 2, 4)), NOW)).toBe("Last 7 days");
  expect(groupOf(row(new Date(2027, 2, 3)), NOW)).toBe("Last 30 days");
  expect(groupOf(row(new Date(2027, 0, 3)), NOW)).toBe("Older");
  expect(groupOf(row(new Date(2027, 0, 3), true), NOW)).toBe("Pinned");
});

test("a debate that a limit ended is listed as stopped", () => {
  const actions = {} as Actions;
  const limited = { ...row(NOW), status: "completed", verdict: "no_verdict", verdict_reason: "budget" } as Row;
  render(rowTemplate(limited, { isOpen: false, isRenamed: false, isCurrent: false, now: NOW }, actions), document.body);
  expect(document.querySelector(".status-word")?.textContent).toBe("Stopped");
});

test("an excerpt is read without the signs of Markdown", () => {
  expect(unmarked("## Margins\nThe **bull** case of `ACME`, 5 * 3")).toBe("Margins\nThe bull case of ACME, 5 * 3");
  expect(unmarked("| Cloud | 31.2% |")).toBe("  Cloud   31.2%  ");
});

test.each([
  [new Date(2027, 2, 10, 8, 59, 30), "now"],
  [new Date(2027, 2, 10, 8, 1), "59 min"],
  [new Date(2027, 2, 9, 10, 0), "23 h"],
  [new Date(2027, 2, 4, 9, 0), "6 d"],
  [new Date(2027, 0, 3), "3 Jan"],
  [new Date(2026, 11, 3), "3 Dec 2026"],
])("the age of a debate is short", (created, expected) => {
  expect(age(created.toISOString(), NOW)).toBe(expected);
});

test("filters become parameters, and days begin and end in the reader's time zone", () => {
  const query = parameters(" rates ", { status: "running", verdict: "", from: "2027-03-10", to: "2027-03-10" });
  expect(query.get("q")).toBe("rates");
  expect(query.getAll("status")).toEqual(["queued", "initializing", "active", "paused", "awaiting_input"]);
  expect(query.has("verdict")).toBe(false);
  expect(query.get("from")).toBe(new Date(2027, 2, 10).toISOString());
  expect(query.get("to")).toBe(new Date(2027, 2, 10, 23, 59, 59, 999).toISOString());
});

test("the row of the page's debate has the page's status", () => {
  const listed = { id: "1", status: "queued", verdict: null } as Row;
  const live = { status: "active", word: "Live", verdict: null, reason: null };
  expect(shownRow(listed, live)).toMatchObject({ status: "active", word: "Live", verdict: null });
  const ended = { status: "completed", word: "Complete", verdict: "no_verdict", reason: "test_model" };
  expect(shownRow(listed, ended)).toMatchObject({ status: "completed", verdict: "no_verdict", verdict_reason: "test_model" });
  expect(shownRow(listed, null)).toBe(listed);
});

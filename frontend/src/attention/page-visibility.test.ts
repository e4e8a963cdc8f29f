import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Presence } from "./page-visibility.ts";

const heard: string[] = [];
const network = new EventTarget();
let presence: Presence;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("navigator", Object.assign(Object.create(navigator), { connection: network }));
  heard.length = 0;
  presence = new Presence({
    changed: () => heard.push("changed"),
    doubt: () => heard.push("doubt"),
    revived: () => heard.push("revived"),
  });
  presence.start();
});

afterEach(() => {
  presence.stop();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function hide(hidden: boolean): void {
  vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
  document.dispatchEvent(new Event("visibilitychange"));
}

test.each(["online", "offline"])("%s: the line is doubted, for some browsers are wrong", (name) => {
  dispatchEvent(new Event(name));
  expect(heard).toEqual(["doubt", "changed"]);
});

test("a tab that is shown doubts its line; one that is hidden does not", () => {
  hide(true);
  expect([presence.hidden, heard]).toEqual([true, ["changed"]]);
  hide(false);
  expect(heard).toEqual(["changed", "doubt", "changed"]);
});

test("a phone that changes its network doubts its line", () => {
  network.dispatchEvent(new Event("change"));
  expect(heard).toEqual(["doubt"]);
});

test("a page that comes back from the cache has lost its line; one that is shown at first has not", () => {
  dispatchEvent(new PageTransitionEvent("pageshow", { persisted: false }));
  expect(heard).toEqual([]);
  dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  expect(heard).toEqual(["revived"]);
});

test("a machine that slept doubts its line", () => {
  vi.advanceTimersByTime(60_000);
  expect(heard).toEqual([]);
  vi.setSystemTime(Date.now() + 11_000);
  vi.advanceTimersByTime(5_000);
  expect(heard).toEqual(["doubt"]);
});

test("once stopped, it hears nothing", () => {
  presence.stop();
  dispatchEvent(new Event("online"));
  hide(false);
  network.dispatchEvent(new Event("change"));
  vi.setSystemTime(Date.now() + 60_000);
  vi.advanceTimersByTime(5_000);
  expect(heard).toEqual([]);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchVisibility } from "./page-visibility.ts";

const calls: string[] = [];
const network = new EventTarget();
let closed: AbortController;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("navigator", Object.assign(Object.create(navigator), { connection: network }));
  calls.length = 0;
  closed = new AbortController();
  const listener = {
    changed: () => calls.push("changed"),
    doubt: () => calls.push("doubt"),
    revived: () => calls.push("revived"),
  };
  watchVisibility(listener, closed.signal);
});

afterEach(() => {
  closed.abort();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function hide(hidden: boolean): void {
  vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
  document.dispatchEvent(new Event("visibilitychange"));
}

test.each(["online", "offline"])("%s: the connection is tested, since some browsers are wrong", (name) => {
  dispatchEvent(new Event(name));
  expect(calls).toEqual(["doubt", "changed"]);
});

test("a tab tests its connection when shown, not when hidden", () => {
  hide(true);
  expect(calls).toEqual(["changed"]);
  hide(false);
  expect(calls).toEqual(["changed", "doubt", "changed"]);
});

test("a change of the network tests the connection", () => {
  network.dispatchEvent(new Event("change"));
  expect(calls).toEqual(["doubt"]);
});

test("a page from the back/forward cache reconnects, a new one does not", () => {
  dispatchEvent(new PageTransitionEvent("pageshow", { persisted: false }));
  expect(calls).toEqual([]);
  dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  expect(calls).toEqual(["revived"]);
});

test("a machine that slept tests the connection", () => {
  vi.advanceTimersByTime(60_000);
  expect(calls).toEqual([]);
  vi.setSystemTime(Date.now() + 11_000);
  vi.advanceTimersByTime(5_000);
  expect(calls).toEqual(["doubt"]);
});

test("after the end it reports nothing", () => {
  closed.abort();
  dispatchEvent(new Event("online"));
  hide(false);
  network.dispatchEvent(new Event("change"));
  vi.setSystemTime(Date.now() + 60_000);
  vi.advanceTimersByTime(5_000);
  expect(calls).toEqual([]);
});

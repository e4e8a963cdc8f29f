import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PageVisibility } from "./page-visibility.ts";

const calls: string[] = [];
const network = new EventTarget();
let visibility: PageVisibility;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("navigator", Object.assign(Object.create(navigator), { connection: network }));
  calls.length = 0;
  visibility = new PageVisibility({
    changed: () => calls.push("changed"),
    doubt: () => calls.push("doubt"),
    revived: () => calls.push("revived"),
  });
  visibility.start();
});

afterEach(() => {
  visibility.stop();
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
  expect([visibility.hidden, calls]).toEqual([true, ["changed"]]);
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

test("after stop it reports nothing", () => {
  visibility.stop();
  dispatchEvent(new Event("online"));
  hide(false);
  network.dispatchEvent(new Event("change"));
  vi.setSystemTime(Date.now() + 60_000);
  vi.advanceTimersByTime(5_000);
  expect(calls).toEqual([]);
});

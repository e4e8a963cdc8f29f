import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { poll } from "./poll.ts";

let status = 200;
let requested: string[] = [];
let calls: unknown[] = [];
let hidden = false;
let closed: AbortController;

beforeEach(() => {
  vi.useFakeTimers();
  [status, requested, calls, hidden] = [200, [], [], false];
  vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
  vi.stubGlobal("fetch", async (url: string) => {
    requested.push(url);
    if (status === 0) throw new TypeError("Failed to fetch");
    return new Response(JSON.stringify({ url }), { status });
  });
  closed = new AbortController();
});

function start(): void {
  const page = { statusUrl: "/status", sessionsUrl: "/sessions", daysUrl: "/days" };
  void poll(page, (answer) => calls.push(answer), closed.signal);
}

afterEach(() => {
  closed.abort();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function pass(milliseconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
}

test("polls at once, and every two seconds", async () => {
  start();
  await pass(0);
  expect(requested).toEqual(["/status", "/sessions?limit=100", "/days"]);
  expect(calls).toEqual([[{ url: "/status" }, { url: "/sessions?limit=100" }, { url: "/days" }]]);
  await pass(4_000);
  expect(requested).toHaveLength(7);
  expect(calls.at(-1)).toEqual(calls[0]);
  await pass(56_000);
  expect(requested.filter((url) => url === "/days")).toHaveLength(2);
});

test("a hidden tab does not poll, and polls at once when shown", async () => {
  start();
  await pass(0);
  hidden = true;
  await pass(60_000);
  expect(requested).toHaveLength(3);
  hidden = false;
  document.dispatchEvent(new Event("visibilitychange"));
  await pass(0);
  expect(requested).toHaveLength(5);
  await pass(2_000);
  expect(requested).toHaveLength(7);
});

test("an unreachable server is reported, and polled again", async () => {
  status = 0;
  start();
  await pass(0);
  expect(calls).toEqual(["unreachable"]);
  status = 500;
  await pass(2_000);
  expect(calls).toEqual(["unreachable", "failed"]);
  status = 200;
  await pass(2_000);
  expect(calls).toHaveLength(3);
  expect(calls[2]).toBeInstanceOf(Array);
});

test.each([
  [401, "signed out"],
  [403, "forbidden"],
])("after a %i it does not poll again", async (refusal, why) => {
  status = refusal;
  start();
  await pass(60_000);
  expect(calls).toEqual([why]);
  expect(requested).toHaveLength(3);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Poll } from "./poll.ts";

let status = 200;
let asked: string[] = [];
let told: unknown[] = [];
let hidden = false;
let poll: Poll;

beforeEach(() => {
  vi.useFakeTimers();
  [status, asked, told, hidden] = [200, [], [], false];
  vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    if (status === 0) throw new TypeError("Failed to fetch");
    return new Response(JSON.stringify({ url }), { status });
  });
  poll = new Poll("/status", "/sessions", {
    fresh: (overview, sessions) => told.push([overview, sessions]),
    trouble: (why) => told.push(why),
  });
});

afterEach(() => {
  poll.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function pass(milliseconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
}

test("the server is asked at once, and every two seconds", async () => {
  poll.start();
  await pass(0);
  expect(asked).toEqual(["/status", "/sessions?limit=100"]);
  expect(told).toEqual([[{ url: "/status" }, { url: "/sessions?limit=100" }]]);
  await pass(4_000);
  expect(asked).toHaveLength(6);
});

test("nothing is asked for a tab that nobody sees, and at once for one who comes back", async () => {
  poll.start();
  await pass(0);
  hidden = true;
  await pass(60_000);
  expect(asked).toHaveLength(2);
  hidden = false;
  document.dispatchEvent(new Event("visibilitychange"));
  await pass(0);
  expect(asked).toHaveLength(4);
  await pass(2_000);
  expect(asked).toHaveLength(6);
});

test("a server that does not answer is asked again, and said not to", async () => {
  status = 0;
  poll.start();
  await pass(0);
  expect(told).toEqual(["unreachable"]);
  status = 500;
  await pass(2_000);
  expect(told).toEqual(["unreachable", "failed"]);
  status = 200;
  await pass(2_000);
  expect(told).toHaveLength(3);
  expect(told[2]).toBeInstanceOf(Array);
});

test.each([
  [401, "signed out"],
  [403, "forbidden"],
])("who may not ask (%i) does not ask again", async (refusal, why) => {
  status = refusal;
  poll.start();
  await pass(60_000);
  expect(told).toEqual([why]);
  expect(asked).toHaveLength(2);
});

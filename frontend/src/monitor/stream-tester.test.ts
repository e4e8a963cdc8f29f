import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeNetwork, type FakeSocket } from "../testing/fake-network.test-data.ts";
import { recorded } from "../testing/recordings.test-data.ts";
import type { Frame } from "../protocol/events.gen.ts";
import type { LogEvent } from "../protocol/state.ts";
import { MAX_LINES, StreamTester } from "./stream-tester.ts";

const WS = "ws://site/ws/conversations/";
const NO_DETAILS = { field: null, rule: null, idempotency_key: null };
const ID = "c0ffee00-0000-4000-8000-000000000000";

let network: FakeNetwork;
let cancelled: string[];
let tester: StreamTester;

function newTester(): StreamTester {
  return new StreamTester(WS, (conversation) => cancelled.push(conversation), () => {});
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0);
  network = new FakeNetwork();
  cancelled = [];
  tester = newTester();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** Lets time go by. */
function pass(milliseconds: number): void {
  vi.advanceTimersByTime(milliseconds);
}

function last(): FakeSocket {
  return network.socket;
}

function hello(from = 0): Frame {
  const data = { head: from, status: "queued", mode: "live", recovered: true, from, heartbeat_seconds: 20, session: "5e55" } as const;
  return { type: "hello", seq: null, conversation: ID, at: "2026-01-01T00:00:00Z", data };
}

function begin(): LogEvent[] {
  tester.start("Is it a buy?");
  last().onopen?.();
  last().deliver(hello());
  return recorded("debate").events;
}

/** Frames sent over all network.sockets, without acks. */
function sent(): unknown[] {
  return network.sockets.flatMap((socket) => socket.sent).filter(({ type }) => type !== "ack");
}

test("one connection starts the debate and streams it", () => {
  const events = begin();
  expect(network.sockets.map(({ url }) => url)).toEqual([WS]);
  expect(sent()).toEqual([{ type: "start", topic: "Is it a buy?" }]);
  expect([tester.state, tester.stream, tester.conversation]).toEqual(["live", "streaming", ID]);
  last().deliver(...events);
  expect(tester.frames).toBe(events.length + 1);
  expect(tester.head).toBe(events.length);
  expect(tester.tokens).toBeGreaterThan(0);
  expect(tester.status).toBe("completed");
  last().onclose?.({ code: 1000 });
  expect([tester.state, tester.problem, tester.isRunning]).toEqual(["closed", null, false]);
});

test("every frame is a line, the newest last", () => {
  const events = begin();
  last().deliver(...events.slice(0, 3));
  expect(tester.lines.map(({ type }) => type)).toEqual(["start", "connecting", "hello", ...events.slice(0, 3).map(({ type }) => type)]);
  expect(tester.lines.at(-1)?.seq).toBe("3");
});

test("a frame for several events shows their range", () => {
  const [first] = begin();
  last().deliver({ ...first!, seq: 5, after: 0 });
  expect(tester.lines.at(-1)?.seq).toBe("1–5");
});

test("long texts and a long log are cut", () => {
  begin();
  const notice = (text: string): Frame => ({ type: "notice", seq: null, conversation: null, at: "", data: { text } });
  last().deliver(notice("x".repeat(10_000)));
  expect(tester.lines.at(-1)?.text).toHaveLength(121);
  for (let many = 0; many < MAX_LINES; many += 1) last().deliver(notice(String(many)));
  expect(tester.lines).toHaveLength(MAX_LINES);
  expect(tester.lines.at(-1)?.text).toContain(String(MAX_LINES - 1));
});

test("a refusal ends the test and is shown", () => {
  tester.start("Is it a buy?");
  last().onopen?.();
  const data = { code: "limit_reached", message: "You have 5 debates running.", retryable: true, ...NO_DETAILS };
  last().deliver({ type: "error", seq: null, conversation: null, at: "", data });
  expect([tester.state, tester.problem]).toEqual(["closed", "You have 5 debates running."]);
  expect(last().closed).toBe(true);
});

test("a connection lost before the start does not reconnect", () => {
  tester.start("Is it a buy?");
  last().onclose?.({ code: 1006 });
  pass(60_000);
  expect(tester.problem).toContain("(1006)");
  expect(network.sockets).toHaveLength(1);
});

test("a lost connection resumes at its cursor", () => {
  const events = begin();
  last().deliver(...events.slice(0, 4));
  last().onclose?.({ code: 1006 });
  expect([tester.state, tester.reconnects]).toEqual(["reconnecting", 1]);
  pass(1);
  expect(last().url).toBe(`${WS}${ID}/?after=4`);
  last().deliver(hello(4), ...events.slice(4));
  expect(tester.head).toBe(events.length);
  expect(sent()).toHaveLength(1);
});

test("the stream is paused and resumed", () => {
  begin();
  tester.pause();
  last().deliver({ type: "stream", seq: null, conversation: ID, at: "", data: { state: "paused" } });
  expect(tester.stream).toBe("paused");
  tester.resume();
  expect(sent().slice(1)).toEqual([
    { type: "control", action: "pause_stream" },
    { type: "control", action: "resume_stream" },
  ]);
});

test("stopping cancels the debate and resumes a paused stream", () => {
  begin();
  tester.stop();
  expect(sent().slice(1)).toEqual([{ type: "control", action: "cancel" }]);
  last().deliver({ type: "stream", seq: null, conversation: ID, at: "", data: { state: "paused" } });
  tester.stop();
  expect(sent().slice(2)).toEqual([
    { type: "control", action: "cancel" },
    { type: "control", action: "resume_stream" },
  ]);
  expect(cancelled).toEqual([]);
});

test("without a connection, stopping sends a request", () => {
  begin();
  last().onclose?.({ code: 1006 });
  tester.stop();
  expect(cancelled).toEqual([ID]);
});

test("painted events are acknowledged", () => {
  const events = begin();
  last().deliver(...events.slice(0, 3));
  pass(1_000);
  tester.painted(3);
  expect(last().sent.at(-1)).toMatchObject({ type: "ack", seq: 3 });
});

test("the token rate covers the last five seconds", () => {
  const events = begin();
  last().deliver(...events);
  const { tokens } = tester;
  expect(tester.rate).toBe(tokens / 5);
  pass(10_000);
  expect(tester.rate).toBe(0);
});

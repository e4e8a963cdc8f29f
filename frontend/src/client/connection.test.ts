import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Ending } from "../protocol/close-codes.ts";
import { Connection, type ConnectionState } from "./connection.ts";
import type { Frame, HelloFrame } from "../protocol/events.gen.ts";
import { recorded, transcriptOf } from "../testing/recordings.test-data.ts";
import { EMPTY, type LogEvent, type State } from "../protocol/state.ts";
import { FakeNetwork, type FakeSocket } from "../testing/fake-network.test-data.ts";

const recording = recorded("debate");
const LOG = recording.events;

function hello(from: number, recovered = true): HelloFrame {
  const data = { head: LOG.length, status: "active", mode: "live", recovered, from, heartbeat_seconds: 10,
  session: "5e55" } as const;
  return { type: "hello", seq: null, conversation: null, at: "2026-01-05T14:30:00Z", data };
}

class Page {
  seqs: number[] = [];
  asides: Frame[] = [];
  states: ConnectionState[] = [];
  ending: Ending | null = null;

  event(event: LogEvent, before: State): void {
    // The server may start again from the first event.
    if (before === EMPTY) this.seqs = [];
    this.seqs.push(event.seq);
  }
  aside(frame: Frame): void {
    this.asides.push(frame);
  }
  state(state: ConnectionState, ending: Ending | null): void {
    this.states.push(state);
    this.ending = ending;
  }
}

let network: FakeNetwork;
let page: Page;
let connection: Connection;

function open(): void {
  network = new FakeNetwork();
  page = new Page();
  connection = new Connection("/ws/conversations/1/", page);
  connection.start();
}

function pass(milliseconds: number): void {
  vi.advanceTimersByTime(milliseconds);
}

function chance(draw: () => number): void {
  vi.spyOn(Math, "random").mockImplementation(draw);
}

beforeEach(() => {
  vi.useFakeTimers();
  chance(() => 0.5);
  open();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test("a complete debate ends with 1000 and no sentence", () => {
  network.socket.deliver(hello(0), ...LOG);
  network.socket.hangUp(1000);
  expect(transcriptOf(connection.conversation)).toStrictEqual(recording.state);
  expect(page.states).toEqual(["connecting", "live", "closed"]);
  expect(page.ending).toEqual({ sentence: null, signIn: false });
  pass(60_000);
  expect(network.sockets).toHaveLength(1);
});

test("after a break it resumes after its last event", () => {
  network.socket.deliver(hello(0), ...LOG.slice(0, 7));
  network.socket.hangUp(1006);
  expect(page.states.at(-1)).toBe("reconnecting");
  pass(250);
  expect(network.socket.after).toBe(7);
  network.socket.deliver(hello(7), ...LOG.slice(7));
  expect(transcriptOf(connection.conversation)).toStrictEqual(recording.state);
});

test("repeated events are delivered once", () => {
  network.socket.deliver(hello(0), ...LOG.slice(0, 7), ...LOG.slice(3, 9), ...LOG);
  expect(page.seqs).toEqual(LOG.map((event) => event.seq));
});

test("a frame for several events moves the cursor to the last", () => {
  const joined = (first: number, last: number): LogEvent => ({ ...LOG[last - 1]!, after: first - 1 });
  const spoken = LOG.filter((event) => event.type === "token").map((event) => event.seq);
  const [first, second] = [spoken[0]!, spoken[1]!];
  network.socket.deliver(hello(0), ...LOG.slice(0, first - 1), joined(first, second));
  expect(page.seqs.at(-1)).toBe(second);
  expect(connection.head).toBe(second);
  network.socket.deliver(...LOG.slice(second));
  expect(page.seqs.at(-1)).toBe(LOG.length);
});

test.each([
  ["leaves something out", 3],
  ["begins with what is already here", 1],
])("a frame that %s drops the connection", (_name, after) => {
  network.socket.deliver(hello(0), LOG[0]!, LOG[1]!, { ...LOG[4]!, after });
  expect(network.socket.closed).toBe(true);
  expect(page.seqs).toEqual([1, 2]);
});

test("a start from 0 replaces the state", () => {
  network.socket.deliver(hello(0), ...LOG.slice(0, 7));
  network.socket.hangUp(1012);
  pass(250);
  network.socket.deliver(hello(0, false), ...LOG);
  expect(page.seqs).toEqual(LOG.map((event) => event.seq));
  expect(transcriptOf(connection.conversation)).toStrictEqual(recording.state);
});

test.each([
  ["a gap", [hello(0), LOG[0]!, LOG[2]!]],
  ["an event before the hello", [LOG[0]!]],
])("%s drops the connection and keeps the cursor", (_name, frames) => {
  const first = network.socket;
  first.deliver(...frames);
  expect(first.closed).toBe(true);
  pass(500);
  expect(network.sockets).toHaveLength(2);
  expect(network.socket.after).toBe(connection.head);
  first.deliver(...LOG);
  expect(page.seqs).toHaveLength(connection.head);
});

test("an invalid frame drops the connection", () => {
  network.socket.deliver(hello(0));
  network.socket.onmessage?.({ data: "{" });
  expect(network.socket.closed).toBe(true);
  expect(page.states.at(-1)).toBe("reconnecting");
});

test("repeated protocol errors back off", () => {
  chance(() => 1);
  for (let round = 0; round < 8; round += 1) {
    network.socket.deliver(hello(0), LOG[1]!);
    pass(15_000);
  }
  const before = network.sockets.length;
  network.socket.deliver(hello(0), LOG[1]!);
  pass(14_000);
  expect(network.sockets).toHaveLength(before);
});

describe("the delay before a retry", () => {
  test("grows to 15 seconds with full jitter, and resets after an event", () => {
    chance(() => 1);
    const waits: number[] = [];
    for (let attempt = 0; attempt < 9; attempt += 1) {
      const from = performance.now();
      const count = network.sockets.length;
      network.socket.hangUp(1006);
      while (network.sockets.length === count) pass(50);
      waits.push(performance.now() - from);
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
    network.socket.deliver(hello(0));
    network.socket.hangUp(1006);
    let count = network.sockets.length;
    pass(14_000);
    expect(network.sockets).toHaveLength(count);
    pass(1_000);
    network.socket.deliver(hello(0), LOG[0]!);
    network.socket.hangUp(1006);
    count = network.sockets.length;
    pass(250);
    expect(network.sockets).toHaveLength(count + 1);
    chance(() => 0);
    network.socket.hangUp(1006);
    pass(0);
    expect(network.sockets).toHaveLength(count + 2);
  });

  test.each([1012, 4501])("is short after %i, when a server restarts", (code) => {
    chance(() => 1);
    network.socket.deliver(hello(0), LOG[0]!);
    network.socket.hangUp(code);
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const count = network.sockets.length;
      pass(1_500);
      expect(network.sockets).toHaveLength(count + 1);
      network.socket.hangUp(1006);
    }
    // The restart took too long: from now on the usual delays apply.
    pass(15_000);
    const count = network.sockets.length;
    network.socket.hangUp(1006);
    pass(14_000);
    expect(network.sockets).toHaveLength(count);
  });

  test("ends when the network or the tab comes back", () => {
    chance(() => 1);
    network.socket.hangUp(1006);
    connection.wake();
    expect(network.sockets).toHaveLength(2);
    pass(10_000);
    expect(network.sockets).toHaveLength(2);
  });

  test("a live socket is kept when the tab comes back", () => {
    network.socket.deliver(hello(0));
    connection.wake();
    expect(network.sockets).toHaveLength(1);
  });
});

describe("sending", () => {
  test("needs an open connection", () => {
    expect(connection.send({ type: "ping" })).toBe(false);
    network.socket.deliver(hello(0));
    expect(connection.send({ type: "ping" })).toBe(true);
    network.socket.readyState = 2;
    expect(connection.send({ type: "ping" })).toBe(false);
    network.socket.hangUp(1006);
    expect(connection.send({ type: "ping" })).toBe(false);
    expect(network.sockets[0]!.sent).toEqual([{ type: "ping" }]);
  });
});

describe("acks", () => {
  const beat = { ...hello(0), type: "heartbeat", data: { head: 0 } } as Frame;

  test("say how long ago an event was painted, at most a minute", () => {
    network.socket.deliver(hello(0));
    connection.painted(7);
    pass(460);
    connection.painted(8);
    pass(40);
    connection.painted(9);
    vi.spyOn(performance, "now").mockReturnValue(performance.now() + 90_000);
    network.socket.deliver({ ...beat, data: { head: 9 } } as Frame);
    expect(network.socket.sent).toEqual([
      { type: "ack", seq: 7 },
      { type: "ack", seq: 8, waited_ms: 40 },
      { type: "ack", seq: 9, waited_ms: 60_000 },
    ]);
  });

  test("answer every heartbeat", () => {
    network.socket.deliver(hello(0), beat, beat);
    expect(network.socket.sent).toEqual([{ type: "ack", seq: 0 }, { type: "ack", seq: 0 }]);
  });

  test("of a new connection start at its cursor", () => {
    network.socket.deliver(hello(0), LOG[0]!);
    connection.painted(1);
    connection.renew();
    network.socket.deliver(hello(0, false), beat);
    expect(network.socket.sent).toEqual([{ type: "ack", seq: 0 }]);
  });
});

describe("a connection in doubt", () => {
  test("is pinged, and kept if it answers in time", () => {
    network.socket.deliver(hello(0));
    connection.wake();
    connection.wake();
    expect(network.socket.sent).toEqual([{ type: "ping" }]);
    pass(2_999);
    network.socket.deliver({ ...hello(0), type: "pong", data: {} } as Frame);
    pass(3_000);
    expect(network.sockets).toHaveLength(1);
    expect(page.states.at(-1)).toBe("live");
  });

  test("is dropped if it does not answer", () => {
    network.socket.deliver(hello(0), LOG[0]!);
    connection.wake();
    pass(3_000);
    expect(network.sockets[0]!.closed).toBe(true);
    expect(page.states.at(-1)).toBe("reconnecting");
    expect(network.socket.after).toBe(1);
  });

  test("is replaced if its hello is late", () => {
    connection.wake();
    expect(network.sockets).toHaveLength(1);
    pass(3_000);
    connection.wake();
    expect(network.sockets).toHaveLength(2);
  });
});

describe("a heartbeat with a higher head", () => {
  const beat = (head: number): Frame => ({ ...hello(0), type: "heartbeat", data: { head } }) as Frame;
  const stream = (state: string): Frame => ({ ...hello(0), type: "stream", data: { state } }) as Frame;

  test("reconnects at the second in a row without events", () => {
    network.socket.deliver(hello(0), LOG[0]!, beat(5));
    expect(network.sockets).toHaveLength(1);
    network.socket.deliver(beat(5));
    expect(network.sockets).toHaveLength(2);
    expect(network.socket.after).toBe(1);
  });

  test("is ignored while events arrive", () => {
    network.socket.deliver(hello(0), LOG[0]!, beat(5), LOG[1]!, beat(5), LOG[2]!, beat(9), LOG[3]!, beat(4), beat(4));
    expect(network.sockets).toHaveLength(1);
  });

  test.each(["paused", "lagging", "reconnecting"])("is ignored in a stream that is %s", (state) => {
    network.socket.deliver(hello(0), LOG[0]!, stream(state), beat(5), beat(6), beat(7));
    expect(network.sockets).toHaveLength(1);
    network.socket.deliver(stream("streaming"), beat(7), beat(7));
    expect(network.sockets).toHaveLength(2);
  });
});

describe("silence", () => {
  test("of two heartbeats reconnects", () => {
    network.socket.deliver(hello(0), LOG[0]!);
    pass(19_999);
    expect(network.sockets).toHaveLength(1);
    pass(1);
    expect(page.states.at(-1)).toBe("reconnecting");
    pass(250);
    expect(network.socket.after).toBe(1);
  });

  test("ends with a heartbeat", () => {
    network.socket.deliver(hello(0));
    for (let beat = 0; beat < 6; beat += 1) {
      pass(15_000);
      network.socket.deliver({ ...hello(0), type: "heartbeat", data: { head: 0 } } as Frame);
    }
    expect(network.sockets).toHaveLength(1);
    expect(page.asides.map((frame) => frame.type)).toEqual(["hello", ...Array(6).fill("heartbeat")]);
  });

  test("is noticed at once after a suspension", () => {
    network.socket.deliver(hello(0));
    vi.spyOn(performance, "now").mockReturnValue(performance.now() + 120_000); // timers did not run
    connection.wake();
    expect(network.sockets).toHaveLength(2);
  });

  test("before the hello has a timeout", () => {
    pass(15_000 + 250);
    expect(network.sockets).toHaveLength(2);
  });
});

test.each([
  [4400, false],
  [4401, true],
  [4403, false],
  [4404, false],
  [4413, false],
  [4429, false],
])("%i is final and has a sentence", (code, signIn) => {
  network.socket.hangUp(code);
  expect(page.states.at(-1)).toBe("closed");
  expect(page.ending?.sentence).toMatch(/\.$/);
  expect(page.ending?.signIn).toBe(signIn);
  connection.wake();
  pass(60_000);
  expect(network.sockets).toHaveLength(1);
});

test.each([1000, 1001, 1006, 1011, 1012, 1013, 4500, 4501, 4502, 4503, 4504, 4505])("%i during a debate reconnects", (code) => {
  network.socket.deliver(hello(0), ...LOG.slice(0, 3));
  network.socket.hangUp(code);
  pass(250);
  expect(network.socket.after).toBe(3);
});

test("a stopped connection stays stopped", () => {
  network.socket.deliver(hello(0));
  connection.stop();
  expect(network.socket.closed).toBe(true);
  pass(60_000);
  expect(network.sockets).toHaveLength(1);
});

test("no event is lost or repeated, whatever breaks (fuzzing)", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = generator(seed);
    chance(random);
    open();
    for (let turn = 0; connection.head < LOG.length; turn += 1) {
      expect(turn).toBeLessThan(1000);
      serve(network.socket, random);
      pass(40_000);
    }
    expect(page.seqs).toEqual(LOG.map((event) => event.seq));
    expect(transcriptOf(connection.conversation)).toStrictEqual(recording.state);
    connection.stop();
  }
});

/** One connection of a bad evening: it starts where it likes, repeats, skips, and breaks anywhere. */
function serve(socket: FakeSocket, random: () => number): void {
  if (socket.closed || random() < 0.1) return socket.hangUp(1006);
  const fresh = random() < 0.2;
  let next = fresh ? 0 : socket.after;
  socket.deliver(hello(next, !fresh));
  while (next < LOG.length) {
    const chance = random();
    if (chance < 0.06) return socket.hangUp(1006);
    if (chance < 0.08) return; // goes silent
    if (chance < 0.12) next += 1; // loses one
    if (chance < 0.2) next = Math.max(0, next - 3); // repeats some
    const event = LOG[next];
    if (event) socket.deliver(event);
    next += 1;
  }
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

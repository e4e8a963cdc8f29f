import { beforeEach, describe, expect, test } from "vitest";
import { Connection, type ConnectionState, type Ending, type Socket, type Surroundings } from "./connection.ts";
import type { Frame, HelloFrame } from "./events.gen.ts";
import { fold } from "./fold.ts";
import { recorded } from "./recordings.test-data.ts";
import { EMPTY, type LogEvent } from "./state.ts";

const recording = recorded("debate");
const LOG = recording.events;

function hello(from: number, recovered = true): HelloFrame {
  const data = { head: LOG.length, status: "active", mode: "live", recovered, from, heartbeat_seconds: 10,
  session: "5e55" } as const;
  return { type: "hello", seq: null, conversation: null, at: "2026-01-05T14:30:00Z", data };
}

class FakeSocket implements Socket {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  readonly after: number;

  constructor(url: string) {
    this.after = Number(new URL(url, "ws://test").searchParams.get("after"));
  }

  send(...frames: Frame[]): void {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
  }

  hangUp(code: number): void {
    this.closed = true;
    this.onclose?.({ code });
  }

  close(): void {
    this.closed = true;
  }
}

/** A world without time of its own: it moves when a test says so. */
class World implements Surroundings {
  time = 0;
  chance = () => 0.5;
  sockets: FakeSocket[] = [];
  #timers: { at: number; action: () => void }[] = [];

  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }

  open = (url: string): Socket => {
    this.sockets.push(new FakeSocket(url));
    return this.socket;
  };
  now = () => this.time;
  random = () => this.chance();
  later = (milliseconds: number, action: () => void) => {
    const timer = { at: this.time + milliseconds, action };
    this.#timers.push(timer);
    return () => void this.#timers.splice(this.#timers.indexOf(timer) >>> 0, 1);
  };

  pass(milliseconds: number): void {
    const until = this.time + milliseconds;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.splice(this.#timers.indexOf(due), 1);
      this.time = due.at;
      due.action();
    }
    this.time = until;
  }
}

class Page {
  folded = EMPTY;
  seqs: number[] = [];
  asides: Frame[] = [];
  states: ConnectionState[] = [];
  ending: Ending | null = null;

  reset(): void {
    this.folded = EMPTY;
    this.seqs = [];
  }
  event(event: LogEvent): void {
    this.seqs.push(event.seq);
    this.folded = fold([event], this.folded);
  }
  aside(frame: Frame): void {
    this.asides.push(frame);
  }
  state(state: ConnectionState, ending: Ending | null): void {
    this.states.push(state);
    this.ending = ending;
  }
}

let world: World;
let page: Page;
let connection: Connection;

beforeEach(() => {
  world = new World();
  page = new Page();
  connection = new Connection("/ws/conversations/1/", page, world);
  connection.start();
});

test("a debate that was watched whole ends with 1000 and needs no sentence", () => {
  world.socket.send(hello(0), ...LOG);
  world.socket.hangUp(1000);
  expect(page.folded).toStrictEqual(recording.state);
  expect(page.states).toEqual(["connecting", "live", "closed"]);
  expect(page.ending).toEqual({ sentence: null, signIn: false });
  world.pass(60_000);
  expect(world.sockets).toHaveLength(1);
});

test("after a break it asks for what follows the last event it had", () => {
  world.socket.send(hello(0), ...LOG.slice(0, 7));
  world.socket.hangUp(1006);
  expect(page.states.at(-1)).toBe("reconnecting");
  world.pass(250);
  expect(world.socket.after).toBe(7);
  world.socket.send(hello(7), ...LOG.slice(7));
  expect(page.folded).toStrictEqual(recording.state);
});

test("repeated events are heard once", () => {
  world.socket.send(hello(0), ...LOG.slice(0, 7), ...LOG.slice(3, 9), ...LOG);
  expect(page.seqs).toEqual(LOG.map((event) => event.seq));
});

test("a start from 0 replaces what was there", () => {
  world.socket.send(hello(0), ...LOG.slice(0, 7));
  world.socket.hangUp(1012);
  world.pass(250);
  world.socket.send(hello(0, false), ...LOG);
  expect(page.seqs).toEqual(LOG.map((event) => event.seq));
  expect(page.folded).toStrictEqual(recording.state);
});

test.each([
  ["a gap", [hello(0), LOG[0]!, LOG[2]!]],
  ["an event before the hello", [LOG[0]!]],
])("%s drops the connection and keeps the cursor", (_name, frames) => {
  const first = world.socket;
  first.send(...frames);
  expect(first.closed).toBe(true);
  world.pass(500);
  expect(world.sockets).toHaveLength(2);
  expect(world.socket.after).toBe(connection.head);
  first.send(...LOG);
  expect(page.seqs).toHaveLength(connection.head);
});

test("nonsense on the line drops the connection", () => {
  world.socket.send(hello(0));
  world.socket.onmessage?.({ data: "{" });
  expect(world.socket.closed).toBe(true);
  expect(page.states.at(-1)).toBe("reconnecting");
});

test("a server that breaks the protocol every time is asked less and less often", () => {
  world.chance = () => 1;
  for (let round = 0; round < 8; round += 1) {
    world.socket.send(hello(0), LOG[1]!);
    world.pass(15_000);
  }
  const before = world.sockets.length;
  world.socket.send(hello(0), LOG[1]!);
  world.pass(14_000);
  expect(world.sockets).toHaveLength(before);
});

describe("waiting", () => {
  test("grows to 15 seconds at most, with full jitter, and starts anew after more than a hello", () => {
    world.chance = () => 1;
    const waits: number[] = [];
    for (let attempt = 0; attempt < 9; attempt += 1) {
      const from = world.time;
      const count = world.sockets.length;
      world.socket.hangUp(1006);
      while (world.sockets.length === count) world.pass(50);
      waits.push(world.time - from);
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
    world.socket.send(hello(0));
    world.socket.hangUp(1006);
    let count = world.sockets.length;
    world.pass(14_000);
    expect(world.sockets).toHaveLength(count);
    world.pass(1_000);
    world.socket.send(hello(0), LOG[0]!);
    world.socket.hangUp(1006);
    count = world.sockets.length;
    world.pass(250);
    expect(world.sockets).toHaveLength(count + 1);
    world.chance = () => 0;
    world.socket.hangUp(1006);
    world.pass(0);
    expect(world.sockets).toHaveLength(count + 2);
  });

  test("ends at once when the network or the tab comes back", () => {
    world.chance = () => 1;
    world.socket.hangUp(1006);
    connection.wake();
    expect(world.sockets).toHaveLength(2);
    world.pass(10_000);
    expect(world.sockets).toHaveLength(2);
  });

  test("a living socket is left alone when the tab comes back", () => {
    world.socket.send(hello(0));
    connection.wake();
    expect(world.sockets).toHaveLength(1);
  });
});

describe("silence", () => {
  test("of two heartbeats means that the line is dead", () => {
    world.socket.send(hello(0), LOG[0]!);
    world.pass(19_999);
    expect(world.sockets).toHaveLength(1);
    world.pass(1);
    expect(page.states.at(-1)).toBe("reconnecting");
    world.pass(250);
    expect(world.socket.after).toBe(1);
  });

  test("is broken by a heartbeat", () => {
    world.socket.send(hello(0));
    for (let beat = 0; beat < 6; beat += 1) {
      world.pass(15_000);
      world.socket.send({ ...hello(0), type: "heartbeat", data: { head: 0 } } as Frame);
    }
    expect(world.sockets).toHaveLength(1);
    expect(page.asides.map((frame) => frame.type)).toEqual(["hello", ...Array(6).fill("heartbeat")]);
  });

  test("is noticed at once by a tab that slept through it", () => {
    world.socket.send(hello(0));
    world.time += 120_000; // timers did not run
    connection.wake();
    expect(world.sockets).toHaveLength(2);
  });

  test("before the hello is not waited for without end", () => {
    world.pass(15_000 + 250);
    expect(world.sockets).toHaveLength(2);
  });
});

test.each([
  [4400, false],
  [4401, true],
  [4404, false],
  [4413, false],
])("%i is final and says why", (code, signIn) => {
  world.socket.hangUp(code);
  expect(page.states.at(-1)).toBe("closed");
  expect(page.ending?.sentence).toMatch(/\.$/);
  expect(page.ending?.signIn).toBe(signIn);
  connection.wake();
  world.pass(60_000);
  expect(world.sockets).toHaveLength(1);
});

test.each([1000, 1001, 1006, 1011, 1012, 1013, 4408, 4429])("%i in the middle of a debate is not the end", (code) => {
  world.socket.send(hello(0), ...LOG.slice(0, 3));
  world.socket.hangUp(code);
  world.pass(250);
  expect(world.socket.after).toBe(3);
});

test("a stopped connection stays stopped", () => {
  world.socket.send(hello(0));
  connection.stop();
  expect(world.socket.closed).toBe(true);
  world.pass(60_000);
  expect(world.sockets).toHaveLength(1);
});

test("whatever breaks, and wherever, nothing is lost or doubled", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = generator(seed);
    world = new World();
    world.chance = random;
    page = new Page();
    connection = new Connection("/ws/conversations/1/", page, world);
    connection.start();
    for (let turn = 0; connection.head < LOG.length; turn += 1) {
      expect(turn).toBeLessThan(1000);
      serve(world.socket, random);
      world.pass(40_000);
    }
    expect(page.seqs).toEqual(LOG.map((event) => event.seq));
    expect(page.folded).toStrictEqual(recording.state);
  }
});

/** One connection of a bad evening: it starts where it likes, repeats, skips, and breaks anywhere. */
function serve(socket: FakeSocket, random: () => number): void {
  if (socket.closed || random() < 0.1) return socket.hangUp(1006);
  const fresh = random() < 0.2;
  let next = fresh ? 0 : socket.after;
  socket.send(hello(next, !fresh));
  while (next < LOG.length) {
    const chance = random();
    if (chance < 0.06) return socket.hangUp(1006);
    if (chance < 0.08) return; // goes silent
    if (chance < 0.12) next += 1; // loses one
    if (chance < 0.2) next = Math.max(0, next - 3); // repeats some
    const event = LOG[next];
    if (event) socket.send(event);
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

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Acks } from "./acks.ts";

let sent: number[];
let waits: number[];
let open: boolean;
let acks: Acks;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  waits = [];
  open = true;
  const send = (seq: number, waited: number): boolean => {
    if (open) sent.push(seq);
    if (open) waits.push(waited);
    return open;
  };
  acks = new Acks(send);
  acks.begin(0);
});

afterEach(() => void vi.useRealTimers());

test("the first ack goes at once, then the newest twice a second", () => {
  for (let seq = 1; seq <= 50; seq += 1) {
    acks.taken(seq);
    vi.advanceTimersByTime(50);
  }
  vi.advanceTimersByTime(1_000);
  expect(sent).toEqual([1, 10, 20, 30, 40, 50]);
});

test("an ack says how long ago the event was painted", () => {
  acks.taken(1);
  vi.advanceTimersByTime(30);
  acks.taken(2);
  vi.advanceTimersByTime(10);
  acks.taken(3);
  vi.advanceTimersByTime(5_000);
  acks.answer();
  expect(sent).toEqual([1, 3, 3]);
  expect(waits).toEqual([0, 460, 0]);
});

test("without new events no ack is sent", () => {
  acks.taken(3);
  vi.advanceTimersByTime(1_000);
  acks.taken(3);
  acks.taken(2);
  vi.advanceTimersByTime(1_000);
  expect(sent).toEqual([3]);
});

test("a heartbeat is answered at once, and replaces a waiting ack", () => {
  acks.answer();
  acks.taken(1);
  acks.taken(2);
  acks.answer();
  vi.advanceTimersByTime(1_000);
  acks.answer();
  expect(sent).toEqual([0, 2, 2]);
});

test("an ack that could not be sent goes with the next", () => {
  open = false;
  acks.taken(4);
  open = true;
  acks.taken(5);
  expect(sent).toEqual([5]);
});

test("a new connection starts at its cursor", () => {
  acks.taken(9);
  acks.taken(10);
  acks.begin(9);
  vi.advanceTimersByTime(1_000);
  expect(sent).toEqual([9]);
  acks.begin(0);
  acks.taken(4);
  expect(sent).toEqual([9, 4]);
});

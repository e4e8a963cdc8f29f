// The browser's network, clock and timers. Tests pass a fake.

import type { Socket } from "./connection.ts";

export interface Platform {
  open(url: string): Socket;
  /** Milliseconds; never runs backwards. */
  now(): number;
  /** 0 to 1. */
  random(): number;
  /** Calls `action` after `milliseconds`; returns a function that cancels it. */
  later(milliseconds: number, action: () => void): () => void;
}

export const browser: Platform = {
  open: (url) => new WebSocket(url) as Socket,
  now: () => performance.now(),
  random: Math.random,
  later: (milliseconds, action) => {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  },
};

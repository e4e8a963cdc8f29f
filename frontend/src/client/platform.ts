// What the page needs of the browser to reach the server and to wait. Tests bring their own.

import type { Socket } from "./connection.ts";

export interface Surroundings {
  open(url: string): Socket;
  /** Milliseconds; never runs backwards. */
  now(): number;
  /** 0 to 1. */
  random(): number;
  /** Calls `action` after `milliseconds`; returns what calls it off. */
  later(milliseconds: number, action: () => void): () => void;
}

export const browser: Surroundings = {
  open: (url) => new WebSocket(url) as Socket,
  now: () => performance.now(),
  random: Math.random,
  later: (milliseconds, action) => {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  },
};

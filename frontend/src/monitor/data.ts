// The responses of /api/streaming/, and the format of their figures.

import type { Status, StreamState } from "../protocol/events.gen.ts";
import { thousands } from "../shared/format.ts";

/** What the server put into the page. */
export type MonitorPage = {
  readonly statusUrl: string;
  readonly sessionsUrl: string;
  readonly broadcastUrl: string;
  readonly wsUrl: string;
  readonly loginUrl: string;
  readonly canBroadcast: boolean;
  /** Characters of a broadcast and of a question, at most. */
  readonly maxNotice: number;
  readonly maxTopic: number;
};

/** Milliseconds; null while no browser has reported a paint. */
export type Quantiles = {
  readonly p50_ms: number | null;
  readonly p95_ms: number | null;
  readonly p99_ms: number | null;
};

export type Sample = Quantiles & {
  readonly time: string;
  readonly connections: number;
  readonly lagging: number;
  readonly spoken: number;
  readonly delivered: number;
  readonly repaired: number;
};

export type Overview = {
  readonly process: { readonly host: string; readonly pid: number; readonly started: string };
  readonly connections: { readonly total: number; readonly states: Readonly<Record<StreamState, number>> };
  readonly conversations: {
    readonly watched: number;
    readonly running: number;
    readonly statuses: Readonly<Record<Status, number>>;
  };
  readonly tokens_per_second: { readonly seconds: number; readonly spoken: number; readonly delivered: number };
  readonly latency: Quantiles & { readonly seconds: number; readonly samples: number };
  readonly lagging: number;
  readonly repaired: number;
  readonly pages: number;
  readonly closed: readonly { readonly code: number; readonly name: string; readonly count: number }[];
  readonly series: readonly Sample[];
};

export type Session = {
  readonly id: string;
  readonly user: string;
  readonly conversation: string | null;
  readonly transport: string;
  readonly state: StreamState;
  readonly since: string;
  readonly cursor: number;
  readonly head: number;
  readonly behind: number;
  readonly acked: boolean;
  readonly tokens: number;
  readonly frames: number;
  readonly bytes: number;
  readonly rate: number | null;
};

export type Sessions = { readonly total: number; readonly sessions: readonly Session[] };

/** A rate a second: one decimal place below ten. */
export function rate(value: number): string {
  return value >= 10 ? thousands(Math.round(value)) : String(Math.round(value * 10) / 10);
}

/** Milliseconds as "42 ms" or "1.3 s"; null is a dash. */
export function milliseconds(value: number | null): string {
  if (value === null) return "–";
  return value < 1000 ? `${rate(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  if (value < 1024 * 1024) return `${rate(value / 1024)} KiB`;
  return `${rate(value / 1024 / 1024)} MiB`;
}

/** The local time of day, to the second. */
export function timeOfDay(at: string | number): string {
  return new Date(at).toLocaleTimeString("en-GB");
}

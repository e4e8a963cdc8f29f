// What the server put into the monitor's page, and the format of its figures.

import { characterCount, inTimeZone, thousands } from "../shared/format.ts";

export type MonitorPage = {
  readonly statusUrl: string;
  readonly sessionsUrl: string;
  readonly daysUrl: string;
  readonly broadcastUrl: string;
  readonly wsUrl: string;
  readonly loginUrl: string;
  readonly canBroadcast: boolean;
  /** Characters of a broadcast and of a question, at most. */
  readonly maxNotice: number;
  readonly maxTopic: number;
};

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

/** The time of day, to the second. */
export function timeOfDay(at: string | number): string {
  return new Date(at).toLocaleTimeString("en-GB", inTimeZone({}));
}

/** Why a form does not send this text, or null. */
export function textProblem(text: string, most: number, ifEmpty: string): string | null {
  const count = characterCount(text);
  if (count > most) return `This is ${thousands(count - most)} characters too long.`;
  return count === 0 ? ifEmpty : null;
}

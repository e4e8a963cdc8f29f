// Polls the server's figures every two seconds, and those of the last days every minute, except in a hidden tab.

import type { MonitorPage } from "./data.ts";
import type { Day, Overview, Sessions } from "./figures.gen.ts";

const EVERY = 2_000;
/** Rounds after which the days are asked for again. */
const DAYS_EVERY = 30;
/** Timeout of a request, in milliseconds. */
const WITHIN = 5_000;
/** Rows of sessions, at most. */
const ROWS = 100;

export type PollFailure = "unreachable" | "failed" | "signed out" | "forbidden";

/** The figures, or why there are none. */
export type PollAnswer = readonly [Overview, Sessions, readonly Day[]] | PollFailure;

type Listener = (answer: PollAnswer) => void;
type Addresses = Pick<MonitorPage, "statusUrl" | "sessionsUrl" | "daysUrl">;

/** Calls `answered` with each answer, until `signal` aborts or the server refuses the person. */
export async function poll(page: Addresses, answered: Listener, signal: AbortSignal): Promise<void> {
  let days: readonly Day[] | null = null;
  for (let round = 0; ; round += 1) {
    await shown();
    if (signal.aborted) return;
    const answer = await fetchAll(page, round % DAYS_EVERY === 0 ? null : days);
    if (signal.aborted) return;
    answered(answer);
    days = typeof answer === "string" ? null : answer[2];
    if (answer === "signed out" || answer === "forbidden") return;
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}

/** Waits while the tab is hidden. */
async function shown(): Promise<void> {
  while (document.hidden) {
    await new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
  }
}

/** `days` are those that are still new enough. */
async function fetchAll({ statusUrl, sessionsUrl, daysUrl }: Addresses, days: readonly Day[] | null): Promise<PollAnswer> {
  try {
    const signal = AbortSignal.timeout(WITHIN);
    const addresses = [statusUrl, `${sessionsUrl}?limit=${ROWS}`, ...(days === null ? [daysUrl] : [])];
    const answers = await Promise.all(addresses.map((address) => fetch(address, { signal })));
    const refused = answers.find((answer) => !answer.ok);
    if (refused?.status === 401) return "signed out";
    if (refused?.status === 403) return "forbidden";
    if (refused) return "failed";
    const [overview, sessions, newDays] = await Promise.all(answers.map((answer) => answer.json()));
    return [overview, sessions, days ?? newDays];
  } catch {
    return "unreachable";
  }
}

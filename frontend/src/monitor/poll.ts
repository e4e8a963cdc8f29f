// Polls the server's figures every two seconds, except in a hidden tab.

import type { MonitorPage } from "./data.ts";
import type { Overview, Sessions } from "./figures.gen.ts";

const EVERY = 2_000;
/** Timeout of a request, in milliseconds. */
const WITHIN = 5_000;
/** Rows of sessions, at most. */
const ROWS = 100;

export type PollFailure = "unreachable" | "failed" | "signed out" | "forbidden";

/** The figures, or why there are none. */
export type PollAnswer = readonly [Overview, Sessions] | PollFailure;

type Listener = (answer: PollAnswer) => void;
type Addresses = Pick<MonitorPage, "statusUrl" | "sessionsUrl">;

/** Calls `answered` with each answer, until `signal` aborts or the server refuses the person. */
export async function poll(page: Addresses, answered: Listener, signal: AbortSignal): Promise<void> {
  for (;;) {
    await shown();
    if (signal.aborted) return;
    const answer = await fetchBoth(page);
    if (signal.aborted) return;
    answered(answer);
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

async function fetchBoth({ statusUrl, sessionsUrl }: Addresses): Promise<PollAnswer> {
  try {
    const signal = AbortSignal.timeout(WITHIN);
    const addresses = [statusUrl, `${sessionsUrl}?limit=${ROWS}`];
    const answers = await Promise.all(addresses.map((address) => fetch(address, { signal })));
    const refused = answers.find((answer) => !answer.ok);
    if (refused?.status === 401) return "signed out";
    if (refused?.status === 403) return "forbidden";
    if (refused) return "failed";
    const [overview, sessions] = await Promise.all(answers.map((answer) => answer.json()));
    return [overview, sessions];
  } catch {
    return "unreachable";
  }
}

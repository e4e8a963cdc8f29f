// Polls the server's figures every two seconds, except in a hidden tab.

import type { Overview, Sessions } from "./data.ts";

const EVERY = 2_000;
/** Timeout of a request, in milliseconds. */
const WITHIN = 5_000;
/** Rows of sessions, at most. */
const ROWS = 100;

export type PollFailure = "unreachable" | "failed" | "signed out" | "forbidden";

/** The figures, or why there are none. */
export type PollAnswer = readonly [Overview, Sessions] | PollFailure;

export class Poll {
  #statusUrl: string;
  #sessionsUrl: string;
  #answered: (answer: PollAnswer) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isRequesting = false;
  #stopped = true;
  #poll = (): void => void this.#request();

  constructor(statusUrl: string, sessionsUrl: string, answered: (answer: PollAnswer) => void) {
    this.#statusUrl = statusUrl;
    this.#sessionsUrl = `${sessionsUrl}?limit=${ROWS}`;
    this.#answered = answered;
  }

  start(): void {
    this.#stopped = false;
    document.addEventListener("visibilitychange", this.#poll);
    this.#poll();
  }

  stop(): void {
    this.#stopped = true;
    document.removeEventListener("visibilitychange", this.#poll);
    clearTimeout(this.#timer);
  }

  async #request(): Promise<void> {
    clearTimeout(this.#timer);
    // A tab that becomes visible polls at once.
    if (this.#stopped || this.#isRequesting || document.hidden) return;
    this.#isRequesting = true;
    const answer = await fetchBoth(this.#statusUrl, this.#sessionsUrl);
    this.#isRequesting = false;
    if (this.#stopped) return;
    this.#answered(answer);
    if (answer === "signed out" || answer === "forbidden") return this.stop();
    this.#timer = setTimeout(this.#poll, EVERY);
  }
}

async function fetchBoth(statusUrl: string, sessionsUrl: string): Promise<PollAnswer> {
  try {
    const signal = AbortSignal.timeout(WITHIN);
    const answers = await Promise.all([fetch(statusUrl, { signal }), fetch(sessionsUrl, { signal })]);
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

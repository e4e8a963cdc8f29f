// Asks the server how it stands, again and again, but not for a tab that nobody sees.

import type { Overview, Sessions } from "./data.ts";

const EVERY = 2_000;
/** A server that takes longer does not answer. */
const WITHIN = 5_000;
/** Rows that a person may look through. */
const ROWS = 100;

export type Trouble = "unreachable" | "failed" | "signed out" | "forbidden";

export interface Told {
  /** A fresh answer. */
  fresh(overview: Overview, sessions: Sessions): void;
  /** There was none, and why. */
  trouble(why: Trouble): void;
}

export class Poll {
  #statusUrl: string;
  #sessionsUrl: string;
  #told: Told;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  #stopped = true;
  #look = (): void => void this.#ask();

  constructor(statusUrl: string, sessionsUrl: string, told: Told) {
    this.#statusUrl = statusUrl;
    this.#sessionsUrl = `${sessionsUrl}?limit=${ROWS}`;
    this.#told = told;
  }

  start(): void {
    this.#stopped = false;
    document.addEventListener("visibilitychange", this.#look);
    this.#look();
  }

  stop(): void {
    this.#stopped = true;
    document.removeEventListener("visibilitychange", this.#look);
    clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    clearTimeout(this.#timer);
    // Whoever comes back to the tab asks at once.
    if (this.#stopped || this.#asking || document.hidden) return;
    this.#asking = true;
    const answer = await answered(this.#statusUrl, this.#sessionsUrl);
    this.#asking = false;
    if (this.#stopped) return;
    if (typeof answer === "string") this.#told.trouble(answer);
    else this.#told.fresh(...answer);
    if (answer === "signed out" || answer === "forbidden") return this.stop();
    this.#timer = setTimeout(this.#look, EVERY);
  }
}

async function answered(statusUrl: string, sessionsUrl: string): Promise<[Overview, Sessions] | Trouble> {
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

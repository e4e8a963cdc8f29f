// What the server put into the page of a debate.

import type { Mode, Status } from "../protocol/events.gen.ts";

/** What a debate may take at most; null where there is no limit. US dollars, tokens read and written, seconds. */
export type Limits = { readonly usd: number | null; readonly tokens: number | null; readonly seconds: number | null };

export type Page = {
  readonly id: string;
  readonly topic: string;
  readonly content: string;
  readonly contentType: string;
  readonly rounds: number;
  readonly status: Status;
  readonly mode: Mode;
  readonly reason: string | null;
  readonly wsUrl: string;
  /** Where commands go by a request; "control" and "input" stand below it. */
  readonly apiUrl: string;
  readonly csrfToken: string;
  readonly loginUrl: string;
  /** The form, filled in with what this debate was started with. */
  readonly againUrl: string;
  /** Where a new debate with the same input is started by a request. */
  readonly againApiUrl: string;
  /** Whether this person may do that. */
  readonly canStartAgain: boolean;
  readonly limits: Limits;
  readonly agents: readonly { readonly role: string; readonly name: string }[];
  /** Whether this person may pause, resume and stop the debate. */
  readonly canControl: boolean;
  /** Whether this person may say something to the panel. */
  readonly canSpeak: boolean;
  /** Characters of what a person says at once, at most. */
  readonly maxText: number;
};

/** Whoever may speak or command may answer what an analyst asks. */
export function canAnswer(page: Page): boolean {
  return page.canSpeak || page.canControl;
}

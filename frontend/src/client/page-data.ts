// The data that the server puts into the page of a debate.

import type { Complete, Mode, Status } from "../protocol/events.gen.ts";
import type { LogEvent } from "../protocol/state.ts";

/** Limits of a debate, null for none: US dollars, input and output tokens, seconds. */
export type Limits = { readonly usd: number | null; readonly tokens: number | null; readonly seconds: number | null };

/** A link to another debate. */
export type Link = { readonly topic: string; readonly url: string };

/** A text that the debate is about. `pages` is 0 if it has none, `text` null if it is long; `url` has the whole text. */
export type Source = {
  readonly name: string;
  /** What the record calls it. */
  readonly cited: string;
  readonly characters: number;
  readonly pages: number;
  readonly text: string | null;
  readonly url: string;
};

/** How a case from history went on: per cent between two days, and what that proves. */
export type Outcome = { readonly from: string; readonly to: string; readonly change: string; readonly note: string };

/** The team of a debate that a person has composed, in the version that speaks. `newest_version` is null if the team was
 * deleted. */
export type ComposedTeam = { readonly id: string; readonly name: string; readonly version: number; readonly newest_version: number | null };

/** A speaker. `color` is one of the site's agent colours and `title` what the agent stands for: those of built-in teams
 * have none. */
export type Agent = { readonly role: string; readonly name: string; readonly color?: number | null; readonly title?: string };

/** A team that may be asked. `judges`: it gives a verdict. */
export type Team = { readonly slug: string; readonly title: string; readonly judges: boolean };

export type Page = {
  /** A recording without a row: nothing follows, and nothing can be done with it. */
  readonly isSample: boolean;
  readonly topic: string;
  readonly sources: readonly Source[];
  /** Where the prices of the record's chart are, or null. */
  readonly pricesUrl: string | null;
  /** What came after a case from history; null for other debates. */
  readonly outcome: Outcome | null;
  /** Who asked the question. */
  readonly author: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly rounds: number;
  /** Seconds between the debate's creation and the answer that has this page. */
  readonly age: number;
  readonly status: Status;
  readonly mode: Mode;
  readonly reason: string | null;
  /** The log so far; empty if it is long. */
  readonly events: readonly LogEvent[];
  /** The verdict, once there is one. */
  readonly complete: Complete | null;
  readonly wsUrl: string;
  /** Prefix of the API's "control", "input", "again" and "export" for this debate. */
  readonly apiUrl: string;
  readonly loginUrl: string;
  /** The start form, filled in with the input of this debate. */
  readonly againUrl: string;
  /** The earlier debate that the agents know: one or none. */
  readonly follows: readonly Link[];
  /** The debates that follow this one, oldest first. */
  readonly followedBy: readonly Link[];
  readonly limits: Limits;
  /** The speakers in their order, then the moderator. */
  readonly agents: readonly Agent[];
  /** The teams that can answer this question; none on the sample. */
  readonly teams: readonly Team[];
  /** The team that answers, or is to answer. */
  readonly panel: string;
  /** The team that a person has composed, if it is one. */
  readonly team?: ComposedTeam | null;
  /** Whether the question is routed: no person has chosen the team. */
  readonly isRouted: boolean;
  /** Whether this person may pause, resume and stop the debate. */
  readonly canControl: boolean;
  /** Whether this person may send texts to the panel, and start a new debate with the same input. */
  readonly canSpeak: boolean;
  /** Whether this person runs the site. */
  readonly isStaff: boolean;
  /** The debate's transcript in the admin, for those who may review it; else null. */
  readonly reviewUrl: string | null;
  /** Maximum length of a text, in characters. */
  readonly maxText: number;
  readonly maxTopic: number;
};

/** Whether the team that answers gives a verdict. Others end with an answer. */
export function isJudged(page: Page, panel: string | null): boolean {
  return page.teams.find(({ slug }) => slug === (panel ?? page.panel))?.judges ?? true;
}

/** Whether the team that answers speaks in rounds: it debates, with or without a verdict at the end. */
export function speaksInRounds(page: Page, panel: string | null): boolean {
  return isJudged(page, panel) || page.team != null;
}

/** Whether this person may answer an agent's question. */
export function canAnswer(page: Page): boolean {
  return page.canSpeak || page.canControl;
}

// The speakers of a debate, and their colours.

import type { Page } from "../client/page-data.ts";
import type { State } from "../protocol/state.ts";

/** `color` is the index of one of the site's eight agent colours (theme.css). */
export type Speaker = { readonly name: string; readonly color: number };

const COLORS = 8;

/** Speakers by role: the panel's agents in their order, then any other in the order of appearance. */
export function speakersOf({ agents, panel }: Pick<Page, "agents" | "panel">, state: State): ReadonlyMap<string, Speaker> {
  // The page may be older than the choice of the team.
  const known = state.panel === null || state.panel === panel ? agents : [];
  const names = new Map(known.map(({ role, name }) => [role, name]));
  for (const { role, agent } of state.messages) if (!names.has(role)) names.set(role, agent);
  return new Map([...names].map(([role, name], index) => [role, { name, color: index % COLORS }]));
}

// The speakers of a debate, and their colours.

import type { Agent, Page } from "../client/page-data.ts";
import type { State } from "../protocol/state.ts";

/** `color` is the index of one of the site's eight agent colours (theme.css), `title` what the speaker stands for. */
export type Speaker = { readonly name: string; readonly color: number; readonly title: string };

const COLORS = 8;

/** Speakers by role: the panel's agents in their order, then any other in the order of appearance. */
export function speakersOf({ agents, panel }: Pick<Page, "agents" | "panel">, state: State): ReadonlyMap<string, Speaker> {
  // The page may be older than the choice of the team.
  const known = state.panel === null || state.panel === panel ? agents : [];
  const all = new Map<string, Omit<Agent, "role">>(known.map((agent) => [agent.role, agent]));
  for (const { role, agent } of state.messages) if (!all.has(role)) all.set(role, { name: agent });
  const chosen = new Set([...all.values()].map(({ color }) => color));
  const free = Array.from({ length: COLORS }, (_, index) => index).filter((color) => !chosen.has(color));
  const speaker = ({ name, color, title = "" }: Omit<Agent, "role">, index: number): Speaker => {
    const own = index % COLORS;
    // Two speakers share a colour only if the person who composed the team wants it.
    return { name, title, color: color ?? (chosen.has(own) ? (free.pop() ?? own) : own) };
  };
  return new Map([...all].map(([role, agent], index) => [role, speaker(agent, index)]));
}

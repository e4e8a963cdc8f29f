// Who speaks next, and what becomes of a text that is sent to the panel now.

import type { Page } from "../client/page-data.ts";
import { type State, spokenMessages } from "../protocol/state.ts";

type Agent = Page["agents"][number];

/** The turns that have not begun, in order, each with its round; the moderator's is the last. */
export function turnsAhead({ agents, rounds }: Pick<Page, "agents" | "rounds">, state: State): readonly (Agent & { readonly round: number })[] {
  const moderator = agents.at(-1);
  const speakers = agents.slice(0, -1);
  const begun = spokenMessages(state).filter((message) => message.state !== "discarded");
  if (moderator === undefined || begun.some(({ kind }) => kind === "final")) return [];
  const turns = Array.from({ length: rounds }, (_, index) => speakers.map((agent) => ({ ...agent, round: index + 1 }))).flat();
  const isClosing = state.reason === "budget" || state.controls.some(({ action }) => action === "conclude");
  // The first turn is spoken even if the verdict is asked for before it.
  const left = isClosing && begun.length > 0 ? [] : turns.slice(begun.length);
  return [...left, { ...moderator, round: rounds }];
}

/** A sentence about a text to the agent of the role `to`, or to whoever is next; null if nobody will see it. */
export function noteOn(page: Page, state: State, to: string | undefined): string | null {
  const turns = turnsAhead(page, state);
  const [next] = turns;
  const moderator = turns.at(-1);
  if (next === undefined || moderator === undefined) return null;
  const weighs = `${moderator.name} will weigh this in the verdict.`;
  if (to === undefined) return next === moderator ? weighs : `${next.name} speaks next and will answer this.`;
  const turn = turns.find(({ role }) => role === to);
  if (turn === moderator) return weighs;
  if (turn === undefined) {
    const name = page.agents.find(({ role }) => role === to)?.name ?? to;
    return `${name} has no turn left; ${weighs}`;
  }
  return turn === next ? `${turn.name} speaks next and will answer this.` : `${turn.name} will answer this in round ${turn.round}.`;
}

// Who speaks next, and what becomes of a text that is sent to the panel now.

import { type Page, isJudged, speaksInRounds } from "../client/page-data.ts";
import { type State, spokenMessages } from "../protocol/state.ts";

type Agent = Page["agents"][number];

/** The turns that have not begun, in order, each with its round; that of a moderator is the last. */
function turnsAhead(page: Page, state: State): readonly (Agent & { readonly round: number })[] {
  const { agents, rounds } = page;
  const judge = isJudged(page, state.panel) ? agents.at(-1) : undefined;
  const begun = spokenMessages(state).filter((message) => message.state !== "discarded");
  if (!speaksInRounds(page, state.panel) || begun.some(({ kind }) => kind === "final")) return [];
  const speakers = judge === undefined ? agents : agents.slice(0, -1);
  const turns = Array.from({ length: rounds }, (_, index) => speakers.map((agent) => ({ ...agent, round: index + 1 }))).flat();
  const isClosing = state.reason === "budget" || state.controls.some(({ action }) => action === "conclude");
  // The first turn is spoken even if the verdict is asked for before it.
  const left = isClosing && begun.length > 0 ? [] : turns.slice(begun.length);
  return judge === undefined ? left : [...left, { ...judge, round: rounds }];
}

/** A sentence about a text to the agent of the role `to`, or to whoever is next; null if nobody will see it. */
export function noteOn(page: Page, state: State, to: string | undefined): string | null {
  const turns = turnsAhead(page, state);
  const [next] = turns;
  if (next === undefined) return null;
  const judge = isJudged(page, state.panel) ? turns.at(-1) : undefined;
  const weighs = `${judge?.name} will weigh this in the verdict.`;
  if (to === undefined) return next === judge ? weighs : `${next.name} speaks next and will answer this.`;
  const turn = turns.find(({ role }) => role === to);
  if (turn === undefined) {
    const name = page.agents.find(({ role }) => role === to)?.name ?? to;
    return judge === undefined ? `${name} has no turn left.` : `${name} has no turn left; ${weighs}`;
  }
  if (turn === judge) return weighs;
  return turn === next ? `${turn.name} speaks next and will answer this.` : `${turn.name} will answer this in round ${turn.round}.`;
}

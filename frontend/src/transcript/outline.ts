// The outline of a debate: its verdict, its rounds, and who speaks in them, each a link to its place.

import { type TemplateResult, html, nothing } from "lit";
import { isJudged, speaksInRounds } from "../client/page-data.ts";
import type { LiveDebate } from "../status/status-panel.ts";
import { type Message, spokenMessages } from "../protocol/state.ts";
import { speakersOf } from "../status/speakers.ts";
import { label } from "../shared/format.ts";

export function outlineTemplate({ page, state, complete }: LiveDebate): TemplateResult {
  const speakers = speakersOf(page, state);
  const isVerdict = ({ kind }: Message): boolean => kind === "final" && isJudged(page, state.panel);
  const speeches = spokenMessages(state).filter((message) => message.state !== "discarded" && !isVerdict(message));
  const speech = ({ id, agent, role }: Message): TemplateResult => html`<li data-color=${speakers.get(role)?.color ?? 0}>
    <a href="#m-${id}">${agent}</a>
  </li>`;
  const round = ([number, messages]: [number, Message[]]): TemplateResult => html`<li>
    <a href="#round-${number}">Round ${number}</a>
    <ol>${messages.map(speech)}</ol>
  </li>`;
  return html`<nav class="contents-list" aria-label="Outline" data-testid="outline">
    <ol>
      ${complete === null || complete.reason === "not_a_debate" ? nothing : html`<li><a class="stance" data-stance=${complete.verdict} href="#verdict">${verdictLabel(complete)}</a></li>`}
      ${speaksInRounds(page, state.panel) ? [...rounds(speeches)].map(round) : speeches.map(speech)}
    </ol>
  </nav>`;
}

function verdictLabel({ verdict }: { readonly verdict: string }): string {
  return verdict === "no_verdict" ? "Verdict" : `Verdict: ${label(verdict)}`;
}

function rounds(messages: readonly Message[]): Map<number, Message[]> {
  const found = new Map<number, Message[]>();
  for (const message of messages) found.set(message.round, [...(found.get(message.round) ?? []), message]);
  return found;
}

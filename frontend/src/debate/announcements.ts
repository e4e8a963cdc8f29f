// What a screen reader announces: the next speaker, and each message once it is finished. Never single tokens.

import { BUDGET_REACHED } from "../status/budget.ts";
import { plain } from "../shared/markdown.ts";
import { fallbackSentence } from "../transcript/notices.ts";
import { controlSentence } from "../transcript/human-input.ts";
import { type Entry, type Message, type State, isTerminal } from "../protocol/state.ts";
import { discardReason, label, percent } from "../shared/format.ts";

/** The sentences for what happened between two states of a debate. */
export function announcements(before: State, after: State, mayAnswer: boolean): string[] {
  const messages = after.messages.filter(({ state }, index) => state !== before.messages[index]?.state);
  const entries = after.entries.slice(before.entries.length);
  return [
    ...messages.map((message) => messageSentence(message)),
    ...entries.map((entry) => entrySentence(entry, after, mayAnswer)),
  ].filter((sentence) => sentence != null);
}

function messageSentence({ agent, mode, state, kind, text, discard_reason }: Message): string | null {
  if (state === "discarded") return `A message of ${agent} was discarded. ${discardReason(discard_reason ?? "")}`;
  // A screen reader skips the badge, so its meaning is announced.
  const speaker = mode === "demo" ? `${agent}, scripted demo` : agent;
  if (state === "speaking") return `${speaker} is speaking.`;
  return kind === "final" ? null : `${speaker}: ${plain(text)}`; // the verdict says it
}

function entrySentence(entry: Entry, state: State, mayAnswer: boolean): string | null | undefined {
  switch (entry.kind) {
    case "message":
      return null;
    case "human": {
      const human = state.humans[entry.index];
      return human && `${human.author}: ${human.text}`;
    }
    case "request": {
      const request = state.requests[entry.index];
      return request && `${mayAnswer ? "A question for you" : `${request.agent} asks the owner`}: ${request.prompt}`;
    }
    case "control": {
      const control = state.controls[entry.index];
      return control && controlSentence(control);
    }
    case "fallback": {
      const fallback = state.fallbacks[entry.index];
      return fallback && fallbackSentence(fallback);
    }
    case "error":
      return state.errors[entry.index]?.message;
    case "budget":
      return isTerminal(state.status) ? null : BUDGET_REACHED;
    case "verdict":
      return state.complete && verdictSentence(state.complete);
  }
}

function verdictSentence({ verdict, confidence, summary }: NonNullable<State["complete"]>): string {
  const sure = confidence === null ? "" : `, ${percent(confidence)} confidence`;
  return `Verdict: ${label(verdict)}${sure}. ${plain(summary)}`;
}

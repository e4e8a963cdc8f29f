// What a screen reader announces: the next speaker, and each message once it is finished. Never single tokens.

import type { Complete } from "../protocol/events.gen.ts";
import { BUDGET_REACHED } from "../status/budget.ts";
import { plain } from "../shared/markdown.ts";
import { fallbackSentence } from "../transcript/attempts.ts";
import { controlSentence } from "../transcript/human-input.ts";
import { type Entry, type Message, type State, isTerminal, spokenMessages } from "../protocol/state.ts";
import { verdictTitle } from "../transcript/verdict-element.ts";
import { discardReason, percent } from "../shared/format.ts";

/** The sentences for what happened between two states of a debate. */
export function announcements(before: State, after: State, mayAnswer: boolean): string[] {
  const known = spokenMessages(before);
  const messages = spokenMessages(after).filter(({ state }, index) => state !== known[index]?.state);
  const entries = after.entries.slice(before.entries.length);
  return [
    ...messages.map((message) => messageSentence(message)),
    ...entries.map((entry) => entrySentence(entry, after, mayAnswer)),
  ].filter((sentence) => sentence !== null);
}

function messageSentence({ agent, mode, state, kind, text, discard_reason }: Message): string | null {
  if (state === "discarded") return `A message of ${agent} was discarded. ${discardReason(discard_reason ?? "")}`;
  // A screen reader skips the badge, so its meaning is announced.
  const speaker = mode === "demo" ? `${agent}, scripted demo` : agent;
  if (state === "speaking") return `${speaker} is speaking.`;
  return kind === "final" ? null : `${speaker}: ${plain(text)}`; // the end says it
}

function entrySentence(entry: Entry, state: State, mayAnswer: boolean): string | null {
  switch (entry.type) {
    case "message_start":
      return null;
    case "human_message":
      return `${entry.data.author}: ${entry.data.text}`;
    case "input_request": {
      const { agent, prompt } = entry.data;
      return `${mayAnswer ? "A question for you" : `${agent} asks the owner`}: ${prompt}`;
    }
    case "control":
      return controlSentence(entry.data);
    case "fallback":
      return fallbackSentence(entry.data);
    case "error":
      return entry.data.message;
    case "status":
      return isTerminal(state.status) ? null : BUDGET_REACHED;
    case "complete":
      return entry.data.reason === "not_a_debate" ? answerSentence(state) : verdictSentence(entry.data);
  }
}

/** The last message of a team that gives no verdict. */
function answerSentence({ messages }: State): string | null {
  const last = messages.findLast(({ kind, state }) => kind === "final" && state === "done");
  return last === undefined ? null : `${last.agent}: ${plain(last.text)}`;
}

function verdictSentence(complete: Complete): string {
  const { confidence, summary } = complete;
  const sure = confidence === null ? "" : `, ${percent(confidence)} confidence`;
  return `Verdict: ${verdictTitle(complete)}${sure}. ${plain(summary)}`;
}

// What a voice is told: who begins to speak, and each message once it is whole. Never single words.

import { REACHED } from "../status/budget.ts";
import type { AgentMessage, MessageStart } from "../protocol/events.gen.ts";
import { plain } from "../shared/markdown.ts";
import { fallbackSentence } from "../transcript/notices.ts";
import { controlSentence } from "../transcript/human-input.ts";
import type { LogEvent, State } from "../protocol/state.ts";
import { discardReason, label, percent } from "../shared/format.ts";

/** The sentence for an event, given the state after it; null where there is nothing to say. */
export function announcement(event: LogEvent, state: State, mayAnswer: boolean): string | null {
  switch (event.type) {
    case "message_start":
      return `${speaker(event.data)} is speaking.`;
    case "agent_message":
      return event.data.kind === "final" ? null : `${speaker(event.data)}: ${plain(event.data.content)}`;
    case "message_discard": {
      const message = state.messages.findLast(({ id }) => id === event.data.message);
      return message ? `A message of ${message.agent} was discarded. ${discardReason(event.data.reason)}` : null;
    }
    case "complete": {
      const { verdict, confidence, summary } = event.data;
      const sure = confidence === null ? "" : `, ${percent(confidence)} confidence`;
      return `Verdict: ${label(verdict)}${sure}. ${plain(summary)}`;
    }
    case "human_message":
      return `${event.data.author}: ${event.data.text}`;
    case "input_request":
      return `${mayAnswer ? "A question for you" : `${event.data.agent} asks the owner`}: ${event.data.prompt}`;
    case "control":
      return controlSentence(event.data);
    case "fallback":
      return fallbackSentence(event.data);
    case "status":
      return event.data.reason === "budget" && event.data.status === "active" ? REACHED : null;
    case "error":
      return event.data.message;
    default:
      return null;
  }
}

/** What is not heard of a badge is said. */
function speaker({ agent, mode }: AgentMessage | MessageStart): string {
  return mode === "demo" ? `${agent}, scripted demo` : agent;
}

// The status of a debate in a word for its page. The API and the log have names of their own.

import { canAnswer } from "../client/page-data.ts";
import { type State, isTerminal } from "../protocol/state.ts";
import type { LiveDebate } from "./status-panel.ts";

/** The first word stays at least this long after the start, in milliseconds, so that it can be read. */
export const FIRST_WORD_STAYS = 1_000;
/** A debate that has not begun to run after this many milliseconds waits for another one. */
const WAITS_AFTER = 2_500;

type Debate = Pick<LiveDebate, "page" | "state" | "age">;

export function statusWord({ page, state, age }: Debate): string {
  const status = state.status ?? page.status;
  // A failure is not held back.
  if (age < FIRST_WORD_STAYS && status !== "error") return "Initializing";
  switch (status) {
    case "queued":
      return age < WAITS_AFTER && reasonOf({ page, state }) !== "busy" ? "Initializing" : "Queued";
    case "initializing":
      return "Initializing";
    case "active":
      // Before a long log has arrived, nothing of it is known.
      return state.status === null || hasBegun(state) ? "Live" : "Initializing";
    case "paused":
      return "Paused";
    case "awaiting_input":
      return canAnswer(page) ? "Waiting for you" : "Waiting for the owner";
    case "completed":
      return isLimitReached({ page, state }) ? "Stopped" : "Complete";
    case "cancelled":
      return "Stopped";
    case "error":
      return "Failed";
  }
}

/** Why a debate stopped before its end, or null. */
export function stopReason({ page, state }: Pick<Debate, "page" | "state">): string | null {
  if (!isTerminal(state.status ?? page.status)) return null;
  if (isLimitReached({ page, state })) return "Limit reached";
  const stop = state.controls.findLast(({ action }) => action === "cancel");
  return stop === undefined ? null : `By ${stop.actor}`;
}

function isLimitReached({ page, state }: Pick<Debate, "page" | "state">): boolean {
  return reasonOf({ page, state }) === "budget";
}

function reasonOf({ page, state }: Pick<Debate, "page" | "state">): string | null {
  return state.status === null ? page.reason : state.reason;
}

/** Whether an agent's message is on the page. */
function hasBegun({ messages }: State): boolean {
  return messages.some(({ kind, state }) => kind !== "thinking" && state !== "discarded");
}

// What somebody who looks at another tab wants to know: that they are asked something, and that the debate has ended.

import { type Page, canAnswer } from "../client/page-data.ts";
import type { News } from "../attention/notifications.ts";
import { type State, isTerminal } from "../protocol/state.ts";
import { label } from "../shared/format.ts";

const ENDED: Readonly<Record<string, string>> = { completed: "Debate complete", cancelled: "Debate stopped", error: "Debate failed" };

/** The news between two states of a debate, or null. */
export function newsOf(before: State, after: State, page: Page): News | null {
  const asked = after.requests[before.requests.length];
  if (asked !== undefined && canAnswer(page)) {
    return { title: `${asked.agent} asks you`, text: asked.prompt, mark: "(?) " };
  }
  if (!isTerminal(after.status) || isTerminal(before.status)) return null;
  const stance = after.complete?.verdict ?? "no_verdict";
  const end = ENDED[after.status ?? ""] ?? "Debate ended";
  return { title: stance === "no_verdict" ? end : `Verdict: ${label(stance)}`, text: page.topic, mark: "(done) " };
}

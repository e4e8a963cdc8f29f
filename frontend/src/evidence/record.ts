// Looks things up in a debate's record.

import type { CheckedFigure, Item } from "../protocol/events.gen.ts";
import { amount } from "./values.ts";
import { type Message, type State, spokenMessages } from "../protocol/state.ts";

export type Items = ReadonlyMap<string, Item>;

/** A figure that is said in a message. */
export type Said = { readonly message: Message; readonly figure: CheckedFigure };

const byId = new WeakMap<readonly Item[], Items>();

/** The items by their ids. The same map for the same record. */
export function itemsOf(evidence: readonly Item[]): Items {
  let found = byId.get(evidence);
  if (found === undefined) byId.set(evidence, (found = new Map(evidence.map((item) => [item.id, item]))));
  return found;
}

/** The figures that rest on each item, in the order in which they were said. Without those of discarded messages. */
export function citations(state: State): ReadonlyMap<string, readonly Said[]> {
  const found = new Map<string, Said[]>();
  for (const message of spokenMessages(state)) {
    if (message.state === "discarded") continue;
    for (const figure of message.figures) {
      for (const id of figure.evidence) {
        const said = found.get(id) ?? [];
        found.set(id, said);
        said.push({ message, figure });
      }
    }
  }
  return found;
}

/** The record's value where a figure contradicts it, or null. */
export function expectedAmount({ expected, unit, evidence: [id] }: CheckedFigure, items: Items): string | null {
  return expected === null ? null : amount(expected, unit, items.get(id ?? "")?.currency ?? null);
}

/** Whether a state has another record than the one before it, or other figures that rest on it. */
export function isOtherRecord(next: State, before?: State): boolean {
  if (before === undefined) return true;
  const { snapshot, evidence, messages } = before;
  if (next.snapshot !== snapshot || next.evidence !== evidence || next.messages.length !== messages.length) return true;
  return next.messages.some(({ figures, state }, index) => figures !== messages[index]?.figures || state !== messages[index].state);
}

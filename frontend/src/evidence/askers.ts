// Clicks on checked figures and on citations of the record open the card, which is loaded with the first of them.

import type { EvidenceCardElement, Subject } from "./card-element.ts";
import type { State } from "../protocol/state.ts";

/** An element with `data-evidence` asks for that item; one with `data-figure` for the figure that begins there in the
 * message that it stands in. */
export function answerAskers(page: HTMLElement, state: () => State, signal: AbortSignal): void {
  const answer = async ({ target }: Event): Promise<void> => {
    const asker = (target as Element).closest<HTMLElement>("[data-evidence], [data-figure]");
    const subject = asker && subjectOf(asker, state());
    if (!subject) return;
    await import("./card-element.ts");
    await page.querySelector<EvidenceCardElement>("outcry-evidence-card")?.show(subject, asker);
  };
  page.addEventListener("click", (event) => void answer(event), { signal });
}

function subjectOf(asker: HTMLElement, { messages }: State): Subject | null {
  const { evidence, figure } = asker.dataset;
  if (evidence !== undefined) return { item: evidence };
  const id = asker.closest<HTMLElement>("[data-message]")?.dataset["message"];
  const found = messages.find((message) => message.id === id)?.figures.find(({ start }) => String(start) === figure);
  return found === undefined ? null : { figure: found };
}

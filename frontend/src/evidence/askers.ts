// Clicks on checked figures and on citations of the record open the card, which is loaded with the first of them.

import { render } from "lit";
import type { EvidenceCardElement, Subject } from "./card-element.ts";
import type { State } from "../protocol/state.ts";
import { loadProblem } from "../shared/lazy.ts";
import type { PageElement } from "../shared/page-element.ts";

/** An item that the page's address names. */
const LINK = /^#(E[1-9]\d{0,3})$/;

/** `isAhead`: the address names an item that has not been opened yet. `follow` brings it into view and opens it, once the
 * panel has it. */
export interface ItemLink {
  readonly isAhead: boolean;
  follow(found: (item: Element) => void): Promise<void>;
}

/** An element with `data-evidence` asks for that item; one with `data-figure` for the figure that begins there in the
 * message that it stands in; and the page's address for an item, as "#E10". */
export function answerAskers(page: HTMLElement, state: () => State, signal: AbortSignal): ItemLink {
  const answer = async (asker: HTMLElement, subject: Subject): Promise<void> => {
    try {
      await import("./card-element.ts");
    } catch {
      showProblem(asker, () => void answer(asker, subject));
      return;
    }
    await page.querySelector<EvidenceCardElement>("outcry-evidence-card")?.show(subject, asker);
  };
  const clicked = ({ target }: Event): void => {
    const asker = (target as Element).closest<HTMLElement>("[data-evidence], [data-figure]");
    const subject = asker && subjectOf(asker, state());
    if (subject) void answer(asker, subject);
  };
  page.addEventListener("click", clicked, { signal });
  return itemLink(page, (asker, item) => void answer(asker, { item }), signal);
}

function itemLink(page: HTMLElement, open: (asker: HTMLElement, item: string) => void, signal: AbortSignal): ItemLink {
  let wanted = LINK.exec(location.hash)?.[1] ?? null;
  const follow = async (found: (item: Element) => void): Promise<void> => {
    const panel = wanted === null ? null : page.querySelector<PageElement>("outcry-evidence-panel");
    if (panel === null) return;
    // It draws itself once its code has been loaded.
    await customElements.whenDefined(panel.localName);
    await panel.updateComplete;
    const item = wanted;
    const asker = panel.querySelector<HTMLElement>(`[data-evidence="${item}"]`);
    if (item === null || asker == null) return;
    wanted = null;
    for (let around = asker.closest("details"); around !== null; around = around.parentElement?.closest("details") ?? null) around.open = true;
    asker.scrollIntoView({ block: "center", behavior: "instant" });
    found(asker);
    open(asker, item);
  };
  const changed = (): void => {
    wanted = LINK.exec(location.hash)?.[1] ?? null;
    void follow(() => undefined);
  };
  addEventListener("hashchange", changed, { signal });
  return {
    get isAhead() {
      return wanted !== null;
    },
    follow,
  };
}

/** Says at the end of the asker's message, or of its list, that the card is missing. */
function showProblem(asker: HTMLElement, retry: () => void): void {
  const within = asker.closest(".body, .evidence-panel") ?? asker.parentElement;
  within?.querySelector(":scope > .load-failure")?.remove();
  const place = document.createElement("div");
  place.className = "load-failure";
  const close = (): void => {
    place.remove();
    retry();
  };
  render(loadProblem("The evidence", close), place);
  within?.append(place);
}

function subjectOf(asker: HTMLElement, { messages }: State): Subject | null {
  const { evidence, figure } = asker.dataset;
  if (evidence !== undefined) return { item: evidence };
  const id = asker.closest<HTMLElement>("[data-message]")?.dataset["message"];
  const found = messages.find((message) => message.id === id)?.figures.find(({ start }) => String(start) === figure);
  return found === undefined ? null : { figure: found };
}

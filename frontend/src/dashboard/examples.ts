// Example questions. An example fills only what is empty, and can be undone.

import { html, nothing, render } from "lit";

export type Example = {
  readonly label: string;
  readonly topic: string;
  readonly content: string;
  readonly content_type: string;
  /** What is put on record, and as of which day; both empty for nothing. */
  readonly instrument: string;
  readonly as_of: string;
};

/** `fill` fills in an example, and returns how to undo that. */
export function setUpExamples(place: HTMLElement, fill: (example: Example) => () => void): void {
  const examples: Example[] = JSON.parse(document.getElementById("examples")?.textContent ?? "[]");
  const undo = place.querySelector<HTMLElement>("[data-undo]");
  if (!undo) return;
  const offer = (revert: () => void): void => {
    const press = (): void => {
      revert();
      render(nothing, undo);
    };
    render(html`Example added. <button type="button" class="link" data-testid="undo-example" @click=${press}>Undo</button>`, undo);
  };
  for (const button of place.querySelectorAll<HTMLElement>("[data-example]")) {
    button.addEventListener("click", () => {
      const example = examples[Number(button.dataset["example"])];
      if (example) offer(fill(example));
    });
  }
}

// How much of the sources the model is given. A text that is too long for it starts a debate only if the person agrees to
// use its beginning.

import type { Estimate, Reading } from "../shared/estimate.ts";
import { thousands } from "../shared/format.ts";
import type { FieldError } from "../shared/http.ts";

/** Empty if the whole text is read. */
export function readingText({ characters, tokens, most_tokens: most, read, too_long: isTooLong }: Reading): string {
  if (read >= characters) return "";
  const part = `${thousands(read)} of ${thousands(characters)} characters`;
  if (!isTooLong || most === null) return `This model reads only the first ${part} of your sources.`;
  return `Your sources are too long for this model: about ${thousands(tokens)} tokens, and it takes ${thousands(most)}. It can read the first ${part}.`;
}

export function drawReading(form: HTMLFormElement, estimate: Estimate | null): void {
  const place = form.querySelector<HTMLElement>("[data-field=truncate]");
  const text = place?.querySelector<HTMLElement>("[data-reading]");
  if (!place || !text) return;
  text.textContent = estimate?.reading ? readingText(estimate.reading) : "";
  offer(form, estimate?.reading?.too_long || isTruncated(form));
  place.hidden = text.textContent === "" && !isTruncated(form);
}

/** The errors of a start. One that a text is too long for the model comes with the choice to use its beginning. */
export function withChoice(form: HTMLFormElement, errors: readonly FieldError[]): FieldError[] {
  return errors.map((error) => {
    if (error.rule !== "too_long_for_model") return error;
    offer(form, true);
    return { field: "truncate", message: "Your sources are too long for this model. Shorten them, or use only the beginning." };
  });
}

function offer(form: HTMLFormElement, isOffered: boolean): void {
  const choice = form.querySelector<HTMLElement>("[data-truncate]");
  const place = choice?.closest<HTMLElement>("[data-field]");
  if (!choice || !place) return;
  choice.hidden = !isOffered;
  if (isOffered) place.hidden = false;
}

/** The part of the request. */
export function readingValues(form: HTMLFormElement): { truncate?: true } {
  return isTruncated(form) ? { truncate: true } : {};
}

export function readingProblems(form: HTMLFormElement, estimate: Estimate | null): FieldError[] {
  if (!estimate?.reading?.too_long || isTruncated(form)) return [];
  return [{ field: "truncate", message: "Shorten your sources, or use only the beginning." }];
}

function isTruncated(form: HTMLFormElement): boolean {
  const box = form.elements.namedItem("truncate");
  return box instanceof HTMLInputElement && box.checked;
}

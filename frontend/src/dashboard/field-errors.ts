// Errors of a form, each beside its field.

import type { FieldError } from "../shared/http.ts";

/** Shows each error beside its field, opens what hides it, and focuses the first field that has one. Returns the
 * sentences of errors that belong to no field. */
export function showErrors(form: HTMLFormElement, errors: readonly FieldError[]): string[] {
  const general: string[] = [];
  for (const error of errors) {
    const field = form.querySelector<HTMLElement>(`[data-field="${CSS.escape(error.field)}"]`);
    const place = field?.querySelector<HTMLElement>(".field-error");
    if (!field || !place) {
      general.push(error.message);
      continue;
    }
    field.toggleAttribute("data-invalid", true);
    field.querySelector("textarea, input, select")?.setAttribute("aria-invalid", "true");
    place.textContent = [place.textContent, error.message].filter(Boolean).join(" ");
    place.hidden = false;
    const folded = field.closest("details");
    if (folded) folded.open = true;
  }
  form.querySelector<HTMLElement>("[aria-invalid]")?.focus();
  return general;
}

export function clearErrors(form: HTMLFormElement): void {
  for (const field of form.querySelectorAll<HTMLElement>("[data-field]")) clearError(field);
}

/** `target` is in the field, or the field itself. */
export function clearError(target: Element): void {
  const field = target.closest("[data-field]");
  const place = field?.querySelector<HTMLElement>(".field-error");
  if (!field || !place) return;
  place.textContent = "";
  place.hidden = true;
  field.removeAttribute("data-invalid");
  field.querySelector("[aria-invalid]")?.removeAttribute("aria-invalid");
}

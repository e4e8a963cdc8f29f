// The optional limits of a new debate. An empty field sets none.

import { money, thousands } from "../shared/format.ts";
import type { FieldError } from "../shared/http.ts";

/** Minutes on the form are seconds to the server. */
const SCALE: Readonly<Record<string, number>> = { max_usd: 1, max_tokens: 1, max_seconds: 60 };
const FORMATS: Readonly<Record<string, (value: string) => string>> = {
  max_usd: (value) => money(Number(value)),
  max_tokens: (value) => `${thousands(Number(value))} tokens`,
  max_seconds: (value) => `${value} ${value === "1" ? "minute" : "minutes"}`,
};

/** Shows the limits that are set beside the title of the folded section. */
export function setUpLimits(form: HTMLFormElement): void {
  const place = form.querySelector<HTMLElement>("[data-limits-set]");
  if (!place) return;
  const show = (): void => {
    const set = filled(form);
    place.textContent = set.map(({ name, value }) => FORMATS[name]?.(value) ?? value).join(", ");
  };
  form.addEventListener("input", show);
  show();
}

/** The limits that are set, in the server's units. */
export function limitValues(form: HTMLFormElement): Record<string, number> {
  return Object.fromEntries(filled(form).map(({ name, value }) => [name, scaled(name, Number(value))]));
}

/** Problems that the server would not notice, or would report in its own units. */
export function limitProblems(form: HTMLFormElement): FieldError[] {
  return fields(form).flatMap((field) => {
    const message = problem(field);
    return message === null ? [] : [{ field: field.name, message }];
  });
}

function problem({ name, value, validity, max }: HTMLInputElement): string | null {
  if (validity.badInput) return "Write a number.";
  if (value === "") return null;
  if (Number(value) <= 0) return "Write more than 0.";
  if (name === "max_tokens" && !Number.isInteger(Number(value))) return "Write a whole number.";
  if (max !== "" && Number(value) > Number(max)) return `At most ${FORMATS[name]?.(max) ?? max} here.`;
  return null;
}

function scaled(name: string, value: number): number {
  const scale = SCALE[name] ?? 1;
  // The server takes whole seconds, at least one.
  return scale === 1 ? value : Math.max(1, Math.round(value * scale));
}

function filled(form: HTMLFormElement): HTMLInputElement[] {
  return fields(form).filter(({ value }) => value !== "");
}

function fields(form: HTMLFormElement): HTMLInputElement[] {
  return Object.keys(SCALE).flatMap((name) => {
    const field = form.elements.namedItem(name);
    return field instanceof HTMLInputElement ? [field] : [];
  });
}

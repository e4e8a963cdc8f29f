// The limits that a person sets to a debate before it starts. An empty field sets none.

import { count, money } from "../shared/format.ts";

type Problem = { field: string; message: string };

/** Minutes on the form are seconds to the server. */
const SCALE: Readonly<Record<string, number>> = { max_usd: 1, max_tokens: 1, max_seconds: 60 };
const WORDS: Readonly<Record<string, (value: string) => string>> = {
  max_usd: (value) => money(Number(value)),
  max_tokens: (value) => `${count(Number(value))} tokens`,
  max_seconds: (value) => `${value} ${value === "1" ? "minute" : "minutes"}`,
};

/** Says beside the fold's title what is set inside it. */
export function setUpLimits(form: HTMLFormElement): void {
  const place = form.querySelector<HTMLElement>("[data-limits-set]");
  if (!place) return;
  const show = (): void => {
    const set = fields(form).filter(({ value }) => value !== "");
    place.textContent = set.map(({ name, value }) => WORDS[name]?.(value) ?? value).join(", ");
  };
  form.addEventListener("input", show);
  show();
}

/** What is set, as the server takes it. */
export function limitValues(form: HTMLFormElement): Record<string, number> {
  const set = fields(form).filter(({ value }) => value !== "");
  return Object.fromEntries(set.map(({ name, value }) => [name, scaled(name, Number(value))]));
}

/** What the server would not understand, or would say in other units. */
export function limitProblems(form: HTMLFormElement): Problem[] {
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
  if (max !== "" && Number(value) > Number(max)) return `At most ${WORDS[name]?.(max) ?? max} here.`;
  return null;
}

function scaled(name: string, value: number): number {
  const scale = SCALE[name] ?? 1;
  // A part of a second is none to the server, and less than one would be no time at all.
  return scale === 1 ? value : Math.max(1, Math.round(value * scale));
}

function fields(form: HTMLFormElement): HTMLInputElement[] {
  return Object.keys(SCALE).flatMap((name) => {
    const field = form.elements.namedItem(name);
    return field instanceof HTMLInputElement ? [field] : [];
  });
}

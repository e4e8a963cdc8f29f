// The rounds and the optional limits of a new debate. An empty limit sets none.

import type { Estimate } from "../shared/estimate.ts";
import { money, thousands } from "../shared/format.ts";
import type { FieldError } from "../shared/http.ts";

/** Minutes on the form are seconds to the server. */
const SCALE: Readonly<Record<string, number>> = { max_usd: 1, max_tokens: 1, max_seconds: 60 };
const FORMATS: Readonly<Record<string, (value: string) => string>> = {
  max_usd: (value) => money(Number(value)),
  max_tokens: (value) => `${thousands(Number(value))} tokens`,
  max_seconds: (value) => `${value} ${value === "1" ? "minute" : "minutes"}`,
};

/** The limits that are set and valid, as text. */
export function limitsText(form: HTMLFormElement): string {
  const set = fields(form).filter((field) => field.value !== "" && problem(field, null) === null);
  return set.map(({ name, value }) => FORMATS[name]?.(value) ?? value).join(", ");
}

/** The limits that are set, in the server's units. */
export function limitValues(form: HTMLFormElement): Record<string, number> {
  const set = fields(form).filter(({ value }) => value !== "");
  return Object.fromEntries(set.map(({ name, value }) => [name, scaled(name, Number(value))]));
}

/** Problems of the limits and the rounds. `estimate` is the newest one for this form, or null. */
export function limitProblems(form: HTMLFormElement, estimate: Estimate | null): FieldError[] {
  return [rounds(form), ...fields(form)].flatMap((field) => {
    const message = field.name === "rounds" ? roundsProblem(field) : problem(field, estimate);
    return message === null ? [] : [{ field: field.name, message }];
  });
}

export function rounds(form: HTMLFormElement): HTMLInputElement {
  return form.elements.namedItem("rounds") as HTMLInputElement;
}

function roundsProblem({ value, max }: HTMLInputElement): string | null {
  const chosen = Number(value);
  const isRight = value !== "" && Number.isInteger(chosen) && chosen >= 1 && chosen <= Number(max);
  return isRight ? null : `Enter a whole number from 1 to ${max}.`;
}

function problem({ name, value, validity, max }: HTMLInputElement, estimate: Estimate | null): string | null {
  if (validity.badInput) return "Enter a number.";
  if (value === "") return null;
  if (!(Number(value) > 0)) return "Enter a number above 0.";
  if (name === "max_tokens" && !Number.isInteger(Number(value))) return "Enter a whole number.";
  if (max !== "" && Number(value) > Number(max)) return `At most ${FORMATS[name]?.(max) ?? max} here.`;
  return estimate && belowLeast(name, Number(value), estimate);
}

/** The server refuses such a limit, too. */
function belowLeast(name: string, value: number, { tokens, usd }: Estimate): string | null {
  if (name === "max_tokens" && value < tokens.low) return `Enter ${thousands(tokens.low)} or more: this debate needs at least so many tokens.`;
  if (name !== "max_usd" || usd === null || value >= usd.low) return null;
  // Rounded up, so that the amount named is accepted.
  const least = String(Number((Math.ceil(usd.low * 1e6) / 1e6).toFixed(6)));
  return `Enter ${least} or more: this debate costs at least so many US dollars.`;
}

/** A warning if the limits may not cover a first message and a verdict; else empty. */
export function beginningText(form: HTMLFormElement, { to_begin }: Estimate): string {
  if (to_begin === undefined) return "";
  const { tokens, usd } = to_begin;
  const { max_tokens = Infinity, max_usd = Infinity } = limitValues(form);
  const needed = [max_tokens < tokens && `${thousands(tokens)} tokens`, usd !== null && max_usd < usd && money(usd)].filter(Boolean);
  return needed.length === 0 ? "" : `The debate may end before its first message: that and a verdict may take ${needed.join(" and ")}.`;
}

function scaled(name: string, value: number): number {
  const scale = SCALE[name] ?? 1;
  // The server takes whole seconds, at least one.
  return scale === 1 ? value : Math.max(1, Math.round(value * scale));
}

function fields(form: HTMLFormElement): HTMLInputElement[] {
  return Object.keys(SCALE).flatMap((name) => {
    const field = form.elements.namedItem(name);
    return field instanceof HTMLInputElement ? [field] : [];
  });
}

// The fields of the editor, each with what the server says about it.

import { type TemplateResult, html, nothing } from "lit";
import { characterCount, providerName, thousands } from "../shared/format.ts";
import type { Options } from "./team.ts";

/** `name` is the field's name among the problems; `problem` is what the server says about it, "" for nothing. */
export type Field = { readonly name: string; readonly label: string; readonly problem: string };

type Input = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

const idOf = (name: string): string => `team-${name.replaceAll(".", "-")}`;

/** A field with its label, its help and its error. `control` is given its id, and what describes it. */
function fieldTemplate(
  { name, label, problem }: Field,
  help: unknown,
  control: (id: string, describedBy: string, isInvalid: "true" | "false") => TemplateResult,
): TemplateResult {
  const id = idOf(name);
  const described = [help === nothing ? "" : `${id}-help`, `${id}-error`].filter(Boolean).join(" ");
  return html`<div class="field" data-field=${name} ?data-invalid=${problem !== ""}>
    <label for=${id}>${label}</label>
    ${control(id, described, problem === "" ? "false" : "true")}
    ${help === nothing ? nothing : html`<p class="help" id="${id}-help">${help}</p>`}
    <p class="field-error" id="${id}-error" ?hidden=${problem === ""}>${problem}</p>
  </div>`;
}

const valueOf = (event: Event): string => (event.target as Input).value;

export function textTemplate(field: Field, value: string, change: (value: string) => void, help: unknown = nothing): TemplateResult {
  return lineTemplate(field, value, "text", change, help);
}

/** What is entered need not be a number: the server says so. */
export function numberTemplate(field: Field, value: string, change: (value: string) => void, help: unknown): TemplateResult {
  return lineTemplate(field, value, "decimal", change, help);
}

function lineTemplate(field: Field, value: string, keyboard: "text" | "decimal", change: (value: string) => void, help: unknown): TemplateResult {
  return fieldTemplate(
    field,
    help,
    (id, described, invalid) => html`<input class="input" id=${id} dir="auto" inputmode=${keyboard} autocomplete="off"
      aria-describedby=${described} aria-invalid=${invalid} .value=${value} @input=${(event: Event) => change(valueOf(event))}>`,
  );
}

/** A long text, with the count of its characters once it is near `limit`. */
export function longTextTemplate(field: Field, value: string, limit: number, change: (value: string) => void, help: unknown): TemplateResult {
  const count = characterCount(value);
  const counted = count > limit * 0.8 ? html` <span class="count" ?data-over=${count > limit}>${thousands(count)} of ${thousands(limit)} characters</span>` : nothing;
  return fieldTemplate(
    field,
    html`${help}${counted}`,
    (id, described, invalid) => html`<textarea class="textarea" id=${id} dir="auto" rows="4" aria-describedby=${described}
      aria-invalid=${invalid} .value=${value} @input=${(event: Event) => change(valueOf(event))}></textarea>`,
  );
}

/** A model that is chosen stays in the list when the site no longer has it. */
export function modelTemplate(field: Field, model: string | null, { models, default_model }: Options, change: (model: string | null) => void): TemplateResult {
  const known = model === null || models.includes(model) ? models : [...models, model];
  const option = (each: string): TemplateResult =>
    html`<option value=${each} .selected=${each === model}>${providerName(each)}${models.includes(each) ? "" : " (no longer available)"}</option>`;
  return fieldTemplate(
    field,
    nothing,
    (id, described, invalid) => html`<select class="select" id=${id} aria-describedby=${described} aria-invalid=${invalid}
      @change=${(event: Event) => change(valueOf(event) || null)}>
      <option value="" .selected=${model === null}>Site default (${providerName(default_model)})</option>
      ${known.map(option)}
    </select>`,
  );
}

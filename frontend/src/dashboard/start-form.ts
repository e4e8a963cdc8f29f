// The form that starts a debate: posts it to the API, and shows each error beside its field.

import { setUpEstimate } from "./estimate.ts";
import { limitProblems, limitValues, setUpLimits } from "./limits.ts";
import { type FieldError, post } from "../shared/http.ts";
import { characterCount, thousands } from "../shared/format.ts";

type Example = { topic: string; content: string; content_type: string };

/** The server may have started the debate before it failed. */
const ADVICE = "Look at your debates before you try again.";

export function setUpStartForm(form: HTMLFormElement): void {
  for (const counter of form.querySelectorAll<HTMLElement>("[data-counter-for]")) {
    const field = form.querySelector<HTMLTextAreaElement>(`#${counter.dataset["counterFor"]}`);
    if (field) setUpCounter(field, counter);
  }
  setUpExamples(form);
  setUpLimits(form);
  setUpEstimate(form, () => values(form));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void start(form, event);
  });
  // A question is one line: Enter submits the form.
  input(form, "topic").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

function setUpCounter(field: HTMLTextAreaElement, counter: HTMLElement): void {
  const limit = Number(field.dataset["limit"]);
  const show = (): void => {
    const used = characterCount(field.value);
    counter.textContent = `${thousands(used)} / ${thousands(limit)}`;
    counter.toggleAttribute("data-over", used > limit);
  };
  field.addEventListener("input", show);
  show();
}

function setUpExamples(form: HTMLFormElement): void {
  const examples: Example[] = JSON.parse(document.getElementById("examples")?.textContent ?? "[]");
  for (const button of form.querySelectorAll<HTMLElement>("[data-example]")) {
    button.addEventListener("click", () => {
      const example = examples[Number(button.dataset["example"])];
      if (!example) return;
      for (const [name, value] of Object.entries(example)) {
        if (name === "label") continue;
        const field = input(form, name);
        field.value = value;
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }
      input(form, "topic").focus();
    });
  }
}

async function start(form: HTMLFormElement, cause: Event): Promise<void> {
  const button = form.querySelector<HTMLButtonElement>("[type=submit]");
  clearErrors(form);
  const errors = limitProblems(form);
  if (characterCount(input(form, "topic").value) === 0) errors.unshift({ field: "topic", message: "Write a question first." });
  if (errors.length > 0) return showErrors(form, errors);
  if (button) button.disabled = true;
  const options = { cause, advice: ADVICE };
  const outcome = await post<{ url: string }>(form.dataset["api"] ?? "", values(form), options);
  // The button stays disabled until the debate's page loads.
  if (outcome.problem === null) return location.assign(outcome.body.url);
  if (outcome.status === 401) return location.reload();
  showErrors(form, outcome.errors, outcome.problem);
  if (button) button.disabled = false;
}

function values(form: HTMLFormElement): Record<string, unknown> {
  const { topic, content, content_type, panel, rounds } = Object.fromEntries(new FormData(form));
  return { topic, content, content_type, panel, rounds: Number(rounds), ...limitValues(form) };
}

/** Shows each error beside its field; `problem` is what to show if there are none. */
function showErrors(form: HTMLFormElement, errors: readonly FieldError[], problem = ""): void {
  const general = errors.length === 0 ? [problem] : [];
  for (const error of errors) {
    const field = form.querySelector<HTMLElement>(`[data-field="${CSS.escape(error.field)}"]`);
    const place = field?.querySelector<HTMLElement>(".field-error");
    if (!field || !place) {
      general.push(error.message);
      continue;
    }
    field.toggleAttribute("data-invalid", true);
    input(form, error.field).setAttribute("aria-invalid", "true");
    place.textContent = [place.textContent, error.message].filter(Boolean).join(" ");
    place.hidden = false;
    const folded = field.closest("details");
    if (folded) folded.open = true;
  }
  const summary = form.querySelector<HTMLElement>("[data-form-error]");
  if (summary) {
    summary.textContent = general.join(" ");
    summary.hidden = general.length === 0;
  }
  form.querySelector<HTMLElement>("[aria-invalid]")?.focus();
}

function clearErrors(form: HTMLFormElement): void {
  for (const place of form.querySelectorAll<HTMLElement>(".field-error[id], [data-form-error]")) {
    place.textContent = "";
    place.hidden = true;
  }
  for (const field of form.querySelectorAll("[data-invalid]")) field.removeAttribute("data-invalid");
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

/** What inputs, textareas and selects have in common. */
type Input = HTMLElement & Pick<HTMLInputElement, "name" | "value">;

function input(form: HTMLFormElement, name: string): Input {
  return form.elements.namedItem(name) as unknown as Input;
}

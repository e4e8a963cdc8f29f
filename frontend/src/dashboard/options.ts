// The options of a new debate: the record, source type, team, rounds, limits.

import { limitValues, limitsText } from "./limits.ts";

const NAMES = ["instrument", "as_of", "content_type", "panel", "rounds", "max_usd", "max_tokens", "max_seconds"] as const;

type Name = (typeof NAMES)[number];
/** What inputs and selects have in common. */
type Input = HTMLElement & Pick<HTMLInputElement, "value">;

export function option(form: HTMLFormElement, name: Name): Input {
  return form.elements.namedItem(name) as unknown as Input;
}

/** The part of the request. */
export function optionValues(form: HTMLFormElement): Record<string, unknown> {
  const [content_type, panel] = [option(form, "content_type").value, option(form, "panel").value];
  const record = { instrument: option(form, "instrument").value.trim(), as_of: endOfDay(option(form, "as_of").value) };
  return { ...record, content_type, panel, rounds: Number(option(form, "rounds").value), ...limitValues(form) };
}

/** The end of a day that is over, "2012-12-31", in UTC; null for none and for today: then the record is of now. */
function endOfDay(day: string): string | null {
  const end = day === "" ? Number.NaN : Date.parse(`${day}T23:59:59Z`);
  return Number.isNaN(end) || (end > Date.now() && end - Date.now() < 86_400_000) ? null : new Date(end).toISOString();
}

/** The chosen team, if there is a list of them. */
function chosenTeam(form: HTMLFormElement): HTMLOptionElement | undefined {
  const panel = form.elements.namedItem("panel");
  return panel instanceof HTMLSelectElement ? panel.selectedOptions[0] : undefined;
}

/** Chooses a team, if the list has it; one that a person composed brings its number of rounds. */
export function chooseTeam(form: HTMLFormElement, team: string): void {
  const panel = option(form, "panel");
  const before = panel.value;
  panel.value = team;
  const chosen = chosenTeam(form);
  if (chosen === undefined) panel.value = before;
  const rounds = chosen?.dataset["rounds"];
  if (rounds !== undefined) option(form, "rounds").value = rounds;
}

/** Chooses the team that the page's address names, if it does, once: another choice stays after a reload. Returns whether
 * it does. */
export function takeNamedTeam(form: HTMLFormElement): boolean {
  const { panel = "" } = form.dataset;
  if (panel === "") return false;
  chooseTeam(form, panel);
  const url = new URL(location.href);
  url.searchParams.delete("panel");
  history.replaceState(history.state, "", url);
  return true;
}

/** Draws what is chosen, in a line, and who is in the team. */
export function drawOptions(form: HTMLFormElement): void {
  const [line, agents] = [form.querySelector("[data-chosen]"), form.querySelector("span[data-agents]")];
  if (line) line.textContent = optionsText(form);
  if (agents) agents.textContent = chosenTeam(form)?.dataset["agents"] ?? "";
}

/** What is chosen, in a line. */
function optionsText(form: HTMLFormElement): string {
  const team = chosenTeam(form)?.text;
  const rounds = option(form, "rounds").value;
  const limits = limitsText(form);
  const [instrument, day] = [option(form, "instrument").value.trim(), option(form, "as_of").value];
  const record = instrument && (day ? `${instrument}, ${day}` : instrument);
  const parts = [record, team && `Team: ${team}`, rounds && `${rounds} ${rounds === "1" ? "round" : "rounds"}`, limits && `limits: ${limits}`];
  return parts.filter(Boolean).join(" · ");
}

/** The fields' values by name, as a draft keeps them. */
export function optionDraft(form: HTMLFormElement): Record<string, string> {
  return Object.fromEntries(NAMES.map((name) => [name, option(form, name).value]));
}

export function restoreOptions(form: HTMLFormElement, values: Readonly<Record<string, string>>): void {
  for (const name of NAMES) {
    const value = values[name];
    if (name === "panel" && value !== undefined) chooseTeam(form, value);
    else if (value !== undefined) option(form, name).value = value;
  }
}

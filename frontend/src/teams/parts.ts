// The parts of the editor beside the agents: the team, the judge, versions and files, and the bar that saves.

import { type TemplateResult, html, nothing } from "lit";
import { type Field, modelTemplate, numberTemplate, textTemplate } from "./fields.ts";
import { withoutField } from "./problems.ts";
import { type EditedTeam, type Options, type Saved, type Team, entered } from "./team.ts";
import type { Refusal, TeamSession } from "./team-session.ts";
import { exportUrl } from "./teams-api.ts";
import type { Versions } from "./versions.ts";

type Optional = TemplateResult | typeof nothing;

/** What the parts draw. `problemOf` says what is wrong with a field, "" for nothing. */
export type Editing = {
  readonly session: TeamSession;
  readonly options: Options;
  readonly problemOf: (field: string) => string;
  readonly edit: (change: Partial<EditedTeam>) => void;
};

export function teamTemplate({ session: { team }, options, problemOf, edit }: Editing): TemplateResult {
  const field = (name: string, label: string): Field => ({ name, label, problem: problemOf(name) });
  return html`<div class="card team-basics">
    ${textTemplate(field("name", "Team name"), team.name, (name) => edit({ name }))}
    ${textTemplate(field("description", "Description (optional)"), team.description, (description) => edit({ description }))}
    ${numberTemplate(field("rounds", "Rounds"), String(team.rounds ?? ""), (text) => edit({ rounds: entered(text) }), `1 to ${options.limits.rounds}. In each, every agent speaks once.`)}
  </div>`;
}

export function judgeTemplate({ session, options, problemOf, edit }: Editing): TemplateResult {
  const { judge } = session.team;
  const choice = (isJudged: boolean, title: string, text: string): TemplateResult => html`<label class="check">
    <input class="radio radio-sm" type="radio" name="judge" .checked=${(judge !== null) === isJudged} @change=${() => edit({ judge: isJudged ? { model: null } : null })}>
    <span>${title} <span class="quiet">${text}</span></span>
  </label>`;
  const model = { name: "judge.model", label: "Moderator's model", problem: problemOf("judge.model") };
  return html`<section class="card team-basics" aria-labelledby="judge-title" data-field="judge">
    <h2 id="judge-title">Verdict</h2>
    <div class="judges" role="radiogroup" aria-labelledby="judge-title">
      ${choice(true, "The Moderator judges.", "It weighs what was said, and gives a stance with its confidence.")}
      ${choice(false, "Nobody judges.", "The last agent's last message is the result.")}
    </div>
    ${judge === null ? nothing : modelTemplate(model, judge.model, options, (chosen) => edit({ judge: { model: chosen } }))}
    <p class="field-error" ?hidden=${problemOf("judge") === ""}>${problemOf("judge")}</p>
  </section>`;
}

type SideActions = { readonly restore: (version: number, team: Team) => void; readonly askToDelete: () => void };

export function sideTemplate(saved: Saved, versions: Versions, { restore, askToDelete }: SideActions): TemplateResult {
  return html`<aside class="team-side" aria-label="Versions and files">
    ${versions.template(saved, restore)}
    <div class="choices">
      <a class="btn btn-outline btn-sm" href=${exportUrl(saved.id)} download data-testid="export-team">Export JSON</a>
      <button type="button" class="btn btn-outline btn-sm" data-testid="delete-team" @click=${askToDelete}>Delete team</button>
    </div>
  </aside>`;
}

/** What was just done, and how to undo it. */
export type Note = { readonly sentence: string; readonly undo: (() => void) | null };

type BarActions = {
  readonly discard: () => void;
  readonly start: () => void;
  readonly replace: () => void;
  readonly reload: () => void;
};

export function barTemplate({ session, problemOf }: Editing, note: Note | null, actions: BarActions): TemplateResult {
  const { isChanged, isSaving, refusal, saved } = session;
  return html`<div class="save-bar" data-testid="save-bar">
    ${refusal === null ? nothing : refusalTemplate(session, refusal, actions)}
    <p class="state"><span role="status" data-testid="save-state">${note?.sentence ?? stateOf(session, problemOf)}</span>
      ${note?.undo ? html`<button type="button" class="link" data-testid="undo" @click=${note.undo}>Undo</button>` : nothing}</p>
    <div class="choices">
      ${isChanged ? html`<button type="button" class="btn btn-ghost btn-sm" data-testid="discard" @click=${actions.discard}>Discard</button>` : nothing}
      <button type="button" class="btn btn-outline btn-sm" data-testid="start-with-team" @click=${actions.start}>${isChanged || saved === null ? "Save and start a debate" : "Start a debate"}</button>
      <button class="btn btn-primary btn-sm" data-testid="save-team" aria-busy=${isSaving ? "true" : "false"}>${isSaving ? "Saving" : "Save"}</button>
    </div>
  </div>`;
}

/** The errors that have no field on the page, or why the server did not look at the fields. */
function refusalTemplate({ problems, team }: TeamSession, { sentence, isOutdated }: Refusal, { replace, reload }: BarActions): Optional {
  const sentences = isOutdated ? ["A newer version of this team was saved elsewhere."] : problems.size === 0 ? [sentence] : withoutField(problems, team.agents.map(({ key }) => key));
  if (sentences.length === 0) return nothing;
  return html`<div class="alert alert-error" role="alert" data-testid="team-problem">
    <span>${sentences.join(" ")}</span>
    ${isOutdated
      ? html`<button type="button" class="btn btn-outline btn-sm" @click=${replace}>Save mine as the newest</button>
          <button type="button" class="btn btn-outline btn-sm" @click=${reload}>Discard mine</button>`
      : nothing}
  </div>`;
}

function stateOf({ isChanged, isRestored, isSaving, problems, saved }: TeamSession, problemOf: Editing["problemOf"]): string {
  const wrong = [...problems.keys()].filter((field) => problemOf(field) !== "").length;
  if (isSaving) return "Saving";
  if (wrong > 0) return wrong === 1 ? "1 field needs a change" : `${wrong} fields need a change`;
  if (isRestored) return "Your unsaved changes are back";
  if (isChanged || saved === null) return "Not saved yet. A draft is kept in this browser.";
  return `Saved as version ${saved.version}`;
}

export function deleteDialog({ panel }: Saved, problem: string, confirm: (event: Event) => void): TemplateResult {
  return html`<dialog class="stop-dialog" data-testid="delete-dialog" aria-labelledby="delete-title">
    <h2 id="delete-title">Delete <bdi>${panel.name}</bdi>?</h2>
    <p>All of its versions are deleted. Debates that ran with it are kept.</p>
    <p class="field-error" role="alert">${problem}</p>
    <form class="choices" method="dialog">
      <button class="btn btn-outline" autofocus>Keep it</button>
      <button class="btn btn-error" data-testid="delete-confirm" @click=${confirm}>Delete team</button>
    </form>
  </dialog>`;
}

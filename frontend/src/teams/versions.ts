// The versions of a team, each with what it changed. They are loaded when a person asks for them.

import { type TemplateResult, html, nothing } from "lit";
import { dateAndTime } from "../shared/format.ts";
import { type Saved, type Team, changes } from "./team.ts";
import { readVersion } from "./teams-api.ts";

/** As many are loaded at a time. */
const AT_ONCE = 8;

export class Versions {
  /** What each version that was loaded has, by its number. */
  #loaded = new Map<number, Team>();
  #shown = 0;
  #problem = "";
  #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** A version that the page has already. */
  add(version: number, team: Team): void {
    this.#loaded.set(version, team);
  }

  async show({ id, versions }: Saved): Promise<void> {
    this.#shown += AT_ONCE;
    // The one before tells what the last of them changed.
    const missing = versions.slice(0, this.#shown + 1).filter(({ version }) => !this.#loaded.has(version));
    const answers = await Promise.all(missing.map(({ version }) => readVersion(id, version)));
    this.#problem = "";
    for (const answer of answers) {
      if (answer.problem === null) this.#loaded.set(answer.body.version, answer.body.panel);
      else this.#problem = answer.problem;
    }
    this.#changed();
  }

  /** `restore` puts a version into the form. */
  template(saved: Saved, restore: (version: number, team: Team) => void): TemplateResult {
    const rows = saved.versions.slice(0, Math.max(this.#shown, 1));
    const opened = (event: Event): void => {
      if ((event.target as HTMLDetailsElement).open && this.#shown === 0) void this.show(saved);
    };
    return html`<details class="card versions" data-testid="versions" @toggle=${opened}>
      <summary>Versions <span class="quiet">${saved.versions.length}</span></summary>
      ${this.#problem === "" ? nothing : html`<p class="field-error" role="alert">${this.#problem}</p>`}
      <ol>${rows.map(({ version, created_at }, index) => this.#row(saved, version, created_at, saved.versions[index + 1]?.version, restore))}</ol>
      ${rows.length < saved.versions.length && this.#shown > 0 ? html`<button type="button" class="btn btn-ghost btn-sm" @click=${() => this.show(saved)}>Show older</button>` : nothing}
    </details>`;
  }

  #row(saved: Saved, version: number, at: string, before: number | undefined, restore: (version: number, team: Team) => void): TemplateResult {
    const team = this.#loaded.get(version);
    const earlier = before === undefined ? undefined : this.#loaded.get(before);
    const what = before === undefined ? ["Created"] : team && earlier ? changes(earlier, team) : [];
    return html`<li>
      <p><strong>Version ${version}</strong> <time class="quiet" datetime=${at}>${dateAndTime(at)}</time></p>
      ${what.map((sentence) => html`<p class="what" dir="auto">${sentence}</p>`)}
      ${team === undefined || version === saved.version ? nothing : html`<button type="button" class="btn btn-outline btn-xs" aria-label="Edit version ${version} again" @click=${() => restore(version, team)}>Edit again</button>`}
    </li>`;
  }
}

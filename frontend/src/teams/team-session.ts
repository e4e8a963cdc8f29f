// One team in the editor: what is entered, what the server says about it, and what is stored.

import { DraftStore } from "../shared/draft.ts";
import type { FieldError } from "../shared/http.ts";
import { type Problems, byField, ofAgents } from "./problems.ts";
import { type EditedTeam, type Saved, type Team, edited, plain } from "./team.ts";
import * as api from "./teams-api.ts";

/** Pause in typing after which the server is asked, in milliseconds. */
const CHECKED_AFTER = 400;

type Draft = { readonly team: Team; readonly base: number | null };

/** Why something failed. `isOutdated`: a newer version was saved elsewhere. */
export type Refusal = { readonly sentence: string; readonly isOutdated: boolean };

export class TeamSession {
  team: EditedTeam;
  /** Null while the team is new. */
  saved: Saved | null;
  problems: Problems = new Map();
  refusal: Refusal | null = null;
  isSaving = false;
  /** Whether the editor was opened with changes that had not been saved. */
  isRestored = false;
  /** The version that is edited; null for a new team, and to replace whatever is the newest one. */
  #base: number | null;
  #initial: Team;
  #drafts: DraftStore<Draft>;
  #user: string;
  #changed: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The newest check; older answers are dropped. */
  #check = 0;

  /** `saved` is null for a new team, which begins as `initial`; `name` tells drafts of new teams apart. `changed` is
   * called whenever there is something new to draw. */
  constructor(saved: Saved | null, initial: Team, user: string, name: string, changed: () => void) {
    this.saved = saved;
    this.#initial = initial;
    this.#base = saved?.version ?? null;
    this.#user = user;
    this.#changed = changed;
    this.team = edited(initial);
    this.#drafts = this.#draftsOf(saved?.id ?? name);
    const draft = this.#drafts.load();
    if (draft === null) return;
    this.team = edited(draft.team);
    this.#base = draft.base;
    this.isRestored = this.isChanged;
    this.#checkSoon();
  }

  get isChanged(): boolean {
    return JSON.stringify(plain(this.team)) !== JSON.stringify(plain(this.#initial));
  }

  /** The person has changed something. */
  edit(team: EditedTeam): void {
    this.team = team;
    this.isRestored = false;
    this.refusal = null;
    this.problems = ofAgents(this.problems, team.agents.map(({ key }) => key));
    this.#drafts.saveSoon();
    this.#checkSoon();
    this.#changed();
  }

  /** Back to what is stored. */
  discard(): void {
    this.#reset(this.#initial, this.saved);
  }

  /** Puts an earlier version into the form. */
  restore(version: Team): void {
    this.edit(edited(version));
  }

  /** Returns whether the team is stored. `replaces`: also if a newer version was saved elsewhere. */
  async save(replaces = false): Promise<boolean> {
    if (this.isSaving) return false;
    this.#drafts.save();
    this.#stopChecking();
    this.isSaving = true;
    this.refusal = null;
    this.#changed();
    const team = plain(this.team);
    const keys = this.team.agents.map(({ key }) => key);
    const outcome = await (this.saved === null ? api.create(team) : api.change(this.saved.id, team, replaces ? null : this.#base));
    this.isSaving = false;
    if (outcome.problem !== null) {
      this.problems = byField(outcome.errors, keys);
      this.refusal = { sentence: outcome.problem, isOutdated: outcome.status === 409 && this.saved !== null };
      this.#changed();
      return false;
    }
    // What was entered meanwhile stays, as the next changes.
    const isSame = JSON.stringify(plain(this.team)) === JSON.stringify(team);
    this.#stored(outcome.body, isSame);
    return true;
  }

  /** Takes the newest version in place of what is entered. */
  async reload(): Promise<void> {
    if (this.saved === null) return;
    const outcome = await api.read(this.saved.id);
    if (outcome.problem === null) return this.#reset(outcome.body.panel, outcome.body);
    this.refusal = { sentence: outcome.problem, isOutdated: false };
    this.#changed();
  }

  /** Removes the draft with the team. */
  close(): void {
    this.#stopChecking();
    this.#drafts.close();
  }

  #stored(saved: Saved, isSame: boolean): void {
    this.#drafts.clear();
    if (this.saved === null) this.#drafts = this.#draftsOf(saved.id);
    this.#initial = saved.panel;
    this.saved = saved;
    this.#base = saved.version;
    this.isRestored = false;
    this.problems = new Map();
    // The server has cleaned the texts. The cards keep their keys.
    if (isSame) this.team = withKeysOf(this.team, saved.panel);
    else this.#drafts.saveSoon();
    this.#changed();
  }

  #reset(team: Team, saved: Saved | null): void {
    this.#stopChecking();
    this.#drafts.clear();
    this.#initial = team;
    this.saved = saved;
    this.#base = saved?.version ?? null;
    this.team = edited(team);
    this.isRestored = false;
    this.refusal = null;
    this.problems = new Map();
    this.#changed();
  }

  #draftsOf(name: string): DraftStore<Draft> {
    return new DraftStore<Draft>(`${this.#user}:team:${name}`, false, () => ({ team: plain(this.team), base: this.#base }));
  }

  #checkSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#checkNow(), CHECKED_AFTER);
  }

  #stopChecking(): void {
    clearTimeout(this.#timer);
    this.#check += 1;
  }

  async #checkNow(): Promise<void> {
    const request = ++this.#check;
    const keys = this.team.agents.map(({ key }) => key);
    const outcome = await api.check(plain(this.team));
    if (request !== this.#check) return;
    // Without an answer nothing is known; saving says why.
    const errors: readonly FieldError[] | null = outcome.problem === null ? [] : outcome.status === 422 ? outcome.errors : null;
    if (errors === null) return;
    this.problems = byField(errors, keys);
    this.#changed();
  }
}

function withKeysOf({ agents }: EditedTeam, team: Team): EditedTeam {
  return { ...team, agents: team.agents.map((agent, index) => ({ ...agent, key: agents[index]?.key ?? -1 - index })) };
}

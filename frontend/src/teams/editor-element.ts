// <outcry-team-editor>: composes a team, or changes one.

import { type TemplateResult, html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { agentTemplate } from "./agent-card.ts";
import { type Editing, type Note, barTemplate, deleteDialog, judgeTemplate, sideTemplate, teamTemplate } from "./parts.ts";
import { type EditedAgent, type EditedTeam, type Options, type Saved, type Team, blankTeam, moved, withAgent, withoutAgent } from "./team.ts";
import { TeamSession } from "./team-session.ts";
import { remove } from "./teams-api.ts";
import { Versions } from "./versions.ts";
import { dateAndTime } from "../shared/format.ts";
import { PageElement, pageData } from "../shared/page-element.ts";

type Data = {
  /** The account, whose drafts these are. */
  readonly user: number;
  /** Null for a new team. */
  readonly saved: Saved | null;
  /** What a new team begins with; null for a blank one. */
  readonly template: { readonly slug: string; readonly panel: Team } | null;
  readonly options: Options;
  readonly teamsUrl: string;
  /** Where a debate is started; the team's id is appended. */
  readonly startUrl: string;
};

@customElement("outcry-team-editor")
export class TeamEditorElement extends PageElement {
  #data!: Data;
  #session!: TeamSession;
  #versions = new Versions(() => this.requestUpdate());
  /** Keys of the agents whose cards are unfolded. */
  #open = new Set<number>();
  /** The fields that the person has left. Problems of others are shown once saving was tried. */
  #left = new Set<string>();
  #showsAll = false;
  #note: Note | null = null;
  #deletion = "";

  protected override entered(signal: AbortSignal): void {
    if (this.#data === undefined) this.#begin(pageData<Data>(this));
    this.addEventListener("focusout", ({ target }) => this.#leave(target as Element), { signal });
    this.addEventListener("keydown", (event) => this.#keyed(event), { signal });
  }

  #begin(data: Data): void {
    const { saved, template, user } = data;
    this.#data = data;
    const initial = saved?.panel ?? template?.panel ?? blankTeam();
    this.#session = new TeamSession(saved, initial, String(user), `new:${template?.slug ?? ""}`, () => this.requestUpdate());
    if (saved !== null) this.#versions.add(saved.version, saved.panel);
    const [first] = this.#session.team.agents;
    if (saved === null && template === null && first !== undefined) this.#open.add(first.key);
  }

  get #editing(): Editing {
    return { session: this.#session, options: this.#data.options, problemOf: this.#problemOf, edit: (change) => this.#edit(change) };
  }

  protected override render(): TemplateResult {
    const { team, saved } = this.#session;
    const editing = this.#editing;
    const side = { restore: this.#restore, askToDelete: () => this.querySelector("dialog")?.showModal() };
    const bar = {
      discard: this.#discard,
      start: () => void this.#start(),
      replace: () => void this.#save(true),
      reload: () => void this.#session.reload(),
    };
    return html`
      <p class="back"><a class="link" href=${this.#data.teamsUrl}>Teams</a></p>
      <h1 dir="auto">${team.name.trim() || (saved === null ? "New team" : "Team without a name")}</h1>
      <p class="lead">${saved === null ? "Choose who speaks, in which order, with which model, and who judges." : `Version ${saved.version}, saved ${dateAndTime(saved.changed_at)}.`}</p>
      <form class="team-form" novalidate autocomplete="off" @submit=${this.#submitted}>
        <div class="team-main">${teamTemplate(editing)} ${this.#agentsTemplate()} ${judgeTemplate(editing)}</div>
        ${saved === null ? nothing : sideTemplate(saved, this.#versions, side)} ${barTemplate(editing, this.#note, bar)}
      </form>
      ${saved === null ? nothing : deleteDialog(saved, this.#deletion, this.#delete)}
    `;
  }

  #agentsTemplate(): TemplateResult {
    const { agents } = this.#session.team;
    const { limits } = this.#data.options;
    const mayAdd = agents.length < limits.agents;
    const problem = this.#problemOf("agents");
    return html`<section aria-labelledby="agents-title" data-field="agents">
      <h2 id="agents-title">Agents <span class="quiet">in speaking order</span></h2>
      <ol class="agent-list">${repeat(agents, ({ key }) => key, (agent, position) => this.#agentTemplate(agent, position, agents))}</ol>
      <p class="field-error" ?hidden=${problem === ""}>${problem}</p>
      <button type="button" class="btn btn-outline add-agent" data-testid="add-agent" aria-disabled=${mayAdd ? "false" : "true"} @click=${() => mayAdd && this.#add()}>
        ${mayAdd ? "Add agent" : `${agents.length} agents are the most`}
      </button>
    </section>`;
  }

  #agentTemplate(agent: EditedAgent, position: number, agents: readonly EditedAgent[]): TemplateResult {
    const { key } = agent;
    const card = {
      agent,
      position,
      count: agents.length,
      isOpen: this.#open.has(key),
      options: this.#data.options,
      problemOf: (field: string) => this.#problemOf(`agents.${key}.${field}`),
    };
    return agentTemplate(card, {
      change: (change) => this.#edit({ agents: agents.map((each) => (each.key === key ? { ...each, ...change } : each)) }),
      toggle: () => {
        if (!this.#open.delete(key)) this.#open.add(key);
        this.requestUpdate();
      },
      move: (by) => void this.#move(agent, position + by, by === -1 ? "up" : "down"),
      remove: () => void this.#remove(agent),
      take: (from) => {
        const dragged = agents.find((each) => each.key === from);
        if (dragged) this.#moveTo(dragged, position);
      },
    });
  }

  readonly #problemOf = (field: string): string =>
    this.#showsAll || this.#left.has(field) ? (this.#session.problems.get(field) ?? "") : "";

  #edit(change: Partial<EditedTeam>, note: Note | null = null): void {
    this.#note = note;
    this.#session.edit({ ...this.#session.team, ...change });
  }

  /** A change that can be undone until the next one. */
  #editUndoably(change: Partial<EditedTeam>, sentence: string): Promise<void> {
    const before = this.#session.team;
    this.#edit(change, { sentence, undo: () => this.#edit(before) });
    return this.#focus("[data-testid=undo]");
  }

  /** A field that the person has left may say what is wrong with it. */
  #leave(target: Element): void {
    const field = target.closest<HTMLElement>("[data-field]")?.dataset["field"];
    if (field === undefined || this.#left.has(field)) return;
    this.#left.add(field);
    this.requestUpdate();
  }

  #keyed(event: KeyboardEvent): void {
    if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    void this.#save();
  }

  async #add(): Promise<void> {
    const team = withAgent(this.#session.team);
    const key = team.agents.at(-1)?.key ?? 0;
    this.#open.add(key);
    this.#edit(team);
    await this.#focus(`[data-key="${key}"] .agent-body input`);
  }

  #moveTo({ key, name }: EditedAgent, to: number): void {
    const team = moved(this.#session.team, key, to);
    this.#edit(team, { sentence: `${name || "The agent"} speaks as number ${to + 1} of ${team.agents.length}`, undo: null });
  }

  async #move(agent: EditedAgent, to: number, way: "up" | "down"): Promise<void> {
    this.#moveTo(agent, to);
    // The browser takes the focus from an element that moves.
    await this.#focus(`[data-key="${agent.key}"] [data-action=${way}]`);
  }

  #remove({ key, name }: EditedAgent): Promise<void> {
    return this.#editUndoably(withoutAgent(this.#session.team, key), `${name || "The agent"} was removed`);
  }

  readonly #restore = (version: number, team: Team): void => {
    const before = this.#session.team;
    this.#session.restore(team);
    this.#note = { sentence: `Version ${version} is in the form. Save it to make it the newest.`, undo: () => this.#edit(before) };
  };

  readonly #discard = (): void => {
    const before = this.#session.team;
    this.#session.discard();
    this.#showsAll = false;
    this.#left.clear();
    this.#note = { sentence: "Changes discarded", undo: () => this.#edit(before) };
    void this.#focus("[data-testid=undo]");
  };

  readonly #submitted = (event: Event): void => {
    event.preventDefault();
    void this.#save();
  };

  async #save(replaces = false): Promise<boolean> {
    const isNew = this.#session.saved === null;
    this.#note = null;
    const isSaved = await this.#session.save(replaces);
    const { saved } = this.#session;
    this.#showsAll = !isSaved;
    if (!isSaved || saved === null) {
      await this.#showProblems();
      return false;
    }
    this.#left.clear();
    this.#versions.add(saved.version, saved.panel);
    if (isNew) history.replaceState(history.state, "", `${this.#data.teamsUrl}${saved.id}/`);
    this.requestUpdate();
    return true;
  }

  /** Unfolds the cards that have a problem, and focuses the first field that has one. */
  #showProblems(): Promise<void> {
    const fields = [...this.#session.problems.keys()];
    for (const { key } of this.#session.team.agents) if (fields.some((field) => field.startsWith(`agents.${key}.`))) this.#open.add(key);
    return this.#focus("[aria-invalid=true]");
  }

  async #start(): Promise<void> {
    const { saved, isChanged } = this.#session;
    if ((saved === null || isChanged) && !(await this.#save())) return;
    location.assign(`${this.#data.startUrl}${this.#session.saved?.id ?? ""}`);
  }

  readonly #delete = async (event: Event): Promise<void> => {
    event.preventDefault();
    const outcome = await remove(this.#session.saved?.id ?? "");
    if (outcome.problem === null || outcome.status === 404) {
      this.#session.close();
      return location.assign(this.#data.teamsUrl);
    }
    this.#deletion = outcome.problem;
    this.requestUpdate();
  };

  async #focus(selector: string): Promise<void> {
    this.requestUpdate();
    await this.updateComplete;
    this.querySelector<HTMLElement>(selector)?.focus();
  }
}

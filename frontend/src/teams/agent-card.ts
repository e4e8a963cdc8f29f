// The card of one agent in the editor. Folded, it shows who the agent is; unfolded, its fields.

import { type TemplateResult, html, nothing, svg } from "lit";
import { initial, label, providerName } from "../shared/format.ts";
import { dropped, startDragging } from "./dragging.ts";
import { type Field, longTextTemplate, modelTemplate, numberTemplate, textTemplate } from "./fields.ts";
import { COLORS, type EditedAgent, type Options, colorOf, entered } from "./team.ts";

const ICONS = {
  up: svg`<path d="M8 13V3M3.5 7.5 8 3l4.5 4.5"/>`,
  down: svg`<path d="M8 3v10M3.5 8.5 8 13l4.5-4.5"/>`,
  remove: svg`<path d="M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5"/>`,
};

const GRIP = html`<svg viewBox="0 0 8 16" width="8" height="16" fill="currentColor"><circle cx="2" cy="4" r="1"/><circle cx="6" cy="4" r="1"/><circle cx="2" cy="8" r="1"/><circle cx="6" cy="8" r="1"/><circle cx="2" cy="12" r="1"/><circle cx="6" cy="12" r="1"/></svg>`;

export type Card = {
  readonly agent: EditedAgent;
  readonly position: number;
  /** How many agents there are. */
  readonly count: number;
  readonly isOpen: boolean;
  readonly options: Options;
  /** What is wrong with a field, such as `name`; "" for nothing. */
  readonly problemOf: (field: string) => string;
};

export type CardActions = {
  readonly change: (change: Partial<EditedAgent>) => void;
  readonly toggle: () => void;
  readonly move: (by: -1 | 1) => void;
  readonly remove: () => void;
  /** Moves the agent with this key to the place of this one. */
  readonly take: (key: number) => void;
};

export function agentTemplate(card: Card, actions: CardActions): TemplateResult {
  const { agent, position, isOpen } = card;
  const name = agent.name.trim() || `Agent ${position + 1}`;
  const color = colorOf(agent, position);
  const { over, leave, drop } = dropped(actions.take);
  return html`<li class="card agent-card" data-key=${agent.key} data-color=${color} data-testid="agent-card"
    @dragover=${over} @dragleave=${leave} @drop=${drop}>
    <div class="agent-head">
      <span class="grip" draggable="true" aria-hidden="true" @dragstart=${(event: DragEvent) => startDragging(event, agent.key)}>${GRIP}</span>
      <h3>
        <button type="button" class="agent-toggle" aria-expanded=${isOpen} aria-controls="agent-${agent.key}" data-testid="agent-toggle" @click=${actions.toggle}>
          <span class="avatar-letter" aria-hidden="true">${initial(name)}</span>
          <span class="who"><span class="name" dir="auto">${name}</span> <span class="what" dir="auto">${summary(agent)}</span></span>
        </button>
      </h3>
      ${buttonsTemplate(card, name, actions)}
    </div>
    <div class="agent-body" id="agent-${agent.key}" ?hidden=${!isOpen}>${isOpen ? bodyTemplate(card, color, actions.change) : nothing}</div>
  </li>`;
}

/** Such as "Value investor · openai:gpt-5-mini · 2 tools". */
function summary({ role, model, tools }: EditedAgent): string {
  const called = tools.length === 0 ? "" : tools.length === 1 ? "1 tool" : `${tools.length} tools`;
  return [role.trim(), model === null ? "" : providerName(model), called].filter(Boolean).join(" · ");
}

/** None is ever disabled, so that the keyboard's focus stays. */
function buttonsTemplate({ position, count }: Card, name: string, { move, remove }: CardActions): TemplateResult {
  const button = (kind: keyof typeof ICONS, words: string, isReady: boolean, press: () => void): TemplateResult => html`<button
    type="button"
    class="btn btn-ghost btn-sm btn-square"
    aria-label=${words}
    title=${words}
    data-action=${kind}
    aria-disabled=${isReady ? "false" : "true"}
    @click=${() => isReady && press()}
  >
    <svg viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${ICONS[kind]}</svg>
  </button>`;
  return html`<div class="agent-buttons">
    ${button("up", `Move ${name} up`, position > 0, () => move(-1))} ${button("down", `Move ${name} down`, position < count - 1, () => move(1))}
    ${button("remove", `Remove ${name}`, count > 1, remove)}
  </div>`;
}

function bodyTemplate({ agent, options, problemOf }: Card, color: number, change: CardActions["change"]): TemplateResult {
  const field = (name: string, words: string): Field => ({ name: `agents.${agent.key}.${name}`, label: words, problem: problemOf(name) });
  const { limits } = options;
  return html`
    <div class="agent-row">
      ${textTemplate(field("name", "Name"), agent.name, (name) => change({ name }))}
      ${textTemplate(field("role", "Role (optional)"), agent.role, (role) => change({ role }), "Shown under the name, such as “Value investor”.")}
    </div>
    ${longTextTemplate(field("instructions", "Instructions"), agent.instructions, limits.instructions, (instructions) => change({ instructions }), "What the agent argues from, and how.")}
    ${colorsTemplate(agent, color, change)}
    <div class="agent-row">
      ${modelTemplate(field("model", "Model"), agent.model, options, (model) => change({ model }))}
      ${numberTemplate(field("temperature", "Temperature (optional)"), String(agent.temperature ?? ""), (text) => change({ temperature: entered(text) }), `0 to ${limits.temperature}. Higher is less predictable.`)}
    </div>
    <label class="check">
      <input class="checkbox checkbox-sm" type="checkbox" .checked=${agent.streaming} @change=${(event: Event) => change({ streaming: isChecked(event) })}>
      <span>Show the answer word by word</span>
    </label>
    ${toolsTemplate(agent, options, problemOf("tools"), change)}
  `;
}

function colorsTemplate({ key }: EditedAgent, color: number, change: CardActions["change"]): TemplateResult {
  return html`<fieldset class="field">
    <legend>Colour</legend>
    <div class="swatches">
      ${COLORS.map(
        (name, index) => html`<input type="radio" class="swatch" name="color-${key}" data-color=${index} aria-label=${name} title=${name}
          .checked=${index === color} @change=${() => change({ color: index })}>`,
      )}
    </div>
  </fieldset>`;
}

function toolsTemplate({ key, tools }: EditedAgent, options: Options, problem: string, change: CardActions["change"]): TemplateResult | typeof nothing {
  if (options.tools.length === 0) return nothing;
  const known = options.tools.map(({ name }) => name);
  // Those that the site no longer has stay until they are taken away.
  const shown = [...options.tools, ...tools.filter((name) => !known.includes(name)).map((name) => ({ name, description: "No longer available." }))];
  const set = (name: string, isOn: boolean): void => change({ tools: shown.map((tool) => tool.name).filter((each) => (each === name ? isOn : tools.includes(each))) });
  return html`<fieldset class="field" data-field="agents.${key}.tools" ?data-invalid=${problem !== ""}>
    <legend>Tools</legend>
    ${shown.map(
      ({ name, description }) => html`<label class="check tool-check">
        <input class="checkbox checkbox-sm" type="checkbox" .checked=${tools.includes(name)} @change=${(event: Event) => set(name, isChecked(event))}>
        <span>${label(name)} <span class="quiet">${description}</span></span>
      </label>`,
    )}
    <p class="field-error" ?hidden=${problem === ""}>${problem}</p>
  </fieldset>`;
}

function isChecked(event: Event): boolean {
  return (event.target as HTMLInputElement).checked;
}

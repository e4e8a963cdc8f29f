// The buttons that pause, resume and stop a debate, and the question before it is stopped.

import { type TemplateResult, html, nothing } from "lit";
import type { Commands } from "../client/commands.ts";
import type { Action, Status } from "../protocol/events.gen.ts";
import { type State, isTerminal } from "../protocol/state.ts";

export type Steer = { readonly commands: Commands; readonly stop: () => void };

const WORDS: Readonly<Record<Action, readonly [idle: string, busy: string]>> = {
  pause: ["Pause", "Pausing"],
  resume: ["Resume", "Resuming"],
  cancel: ["Stop", "Stopping"],
};

/** `status` is that of the page while no event has arrived. */
export function controlsTemplate(status: Status, state: State, steer: Steer): TemplateResult | typeof nothing {
  if (isTerminal(status)) return nothing;
  const { commands, stop } = steer;
  const busy = underWay(state, commands);
  const problem = commands.at("control")?.problem;
  const button = (action: Action, press: () => void): TemplateResult => html`<button
    type="button"
    class="btn btn-sm"
    data-testid="control-${action === "cancel" ? "stop" : action}"
    data-action=${action}
    aria-label=${`${WORDS[action][busy === action ? 1 : 0]} the debate`}
    aria-busy=${busy === action ? "true" : "false"}
    ?disabled=${busy !== null && (action !== "cancel" || busy === "cancel" || commands.isPending("control"))}
    @click=${press}
  >
    ${WORDS[action][busy === action ? 1 : 0]}
  </button>`;
  const turn = status === "paused" ? "resume" : "pause";
  return html`<div class="controls" role="group" aria-label="Control the debate" data-testid="controls">
    ${button(turn, () => commands.give({ type: "control", action: turn }))} ${button("cancel", stop)}
    ${problem == null ? nothing : html`<p class="problem" role="alert" data-testid="control-problem">${problem}</p>`}
  </div>`;
}

/** What has been asked for and has not happened: here, or, as the log says, by anybody. */
function underWay(state: State, commands: Commands): Action | null {
  const attempt = commands.at("control");
  if (attempt?.state === "pending" && attempt.command.type === "control") return attempt.command.action;
  const last = state.controls.at(-1)?.action;
  if (last === "pause" && state.status !== "paused") return "pause";
  if (last === "resume" && state.status === "paused") return "resume";
  return last === "cancel" ? "cancel" : null;
}

/** Asks once. A native dialog keeps the keyboard inside, closes on Escape, and gives the focus back. */
export function stopDialogTemplate(confirmed: () => void): TemplateResult {
  const close = (event: Event): void => (event.currentTarget as HTMLElement).closest("dialog")?.close();
  return html`<dialog class="ask" data-testid="stop-dialog" aria-labelledby="stop-title">
    <h2 id="stop-title">Stop the debate?</h2>
    <p>What has been said stays.</p>
    <div class="choices">
      <button type="button" class="btn btn-outline" data-testid="stop-not" autofocus @click=${close}>Let it go on</button>
      <button
        type="button"
        class="btn btn-error"
        data-testid="stop-confirm"
        @click=${(event: Event) => {
          close(event);
          confirmed();
        }}
      >
        Stop the debate
      </button>
    </div>
  </dialog>`;
}

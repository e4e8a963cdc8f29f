// The buttons that pause, resume and stop a debate, and the confirmation before stopping.

import { type TemplateResult, html, nothing } from "lit";
import type { Commands } from "../client/commands.ts";
import type { Action, Status } from "../protocol/events.gen.ts";
import { type State, isTerminal } from "../protocol/state.ts";

const LABELS: Readonly<Record<Action, readonly [idle: string, busy: string]>> = {
  pause: ["Pause", "Pausing"],
  resume: ["Resume", "Resuming"],
  conclude: ["Verdict now", "Ending"],
  cancel: ["Stop", "Stopping"],
};

/** `status` is the page's initial one until an event arrives. */
export function controlsTemplate(status: Status, state: State, commands: Commands): TemplateResult | typeof nothing {
  if (isTerminal(status)) return nothing;
  const busy = pendingAction(state, commands);
  const problem = commands.at("control")?.problem;
  const button = (action: Action, press: () => void): TemplateResult => html`<button
    type="button"
    class="btn btn-sm"
    data-testid="control-${action === "cancel" ? "stop" : action}"
    data-action=${action}
    aria-label=${`${LABELS[action][busy === action ? 1 : 0]} the debate`}
    aria-busy=${busy === action ? "true" : "false"}
    ?disabled=${busy !== null && (action !== "cancel" || busy === "cancel" || commands.isPending("control"))}
    @click=${press}
  >
    ${LABELS[action][busy === action ? 1 : 0]}
  </button>`;
  const toggle = status === "paused" ? "resume" : "pause";
  return html`<div class="controls" role="group" aria-label="Control the debate" data-testid="controls">
    ${button(toggle, () => commands.give({ type: "control", action: toggle }))} ${button("cancel", askToStop)}
    ${problem == null ? nothing : html`<p class="problem" role="alert" data-testid="control-problem">${problem}</p>`}
  </div>`;
}

/** The action that was requested, on this page or by anybody in the log, and has not taken effect. */
function pendingAction(state: State, commands: Commands): Action | null {
  const attempt = commands.at("control");
  if (attempt?.state === "pending" && attempt.command.type === "control") return attempt.command.action;
  const last = state.controls.at(-1)?.action;
  if (last === "pause" && state.status !== "paused") return "pause";
  if (last === "resume" && state.status === "paused") return "resume";
  return last === "cancel" ? "cancel" : null;
}

function askToStop(): void {
  document.querySelector<HTMLDialogElement>(".stop-dialog")?.showModal();
}

/** The confirmation. A native dialog keeps the focus inside, closes on Escape, and restores the focus. */
export function stopDialogTemplate(commands: Commands): TemplateResult {
  const stop = (): void => commands.give({ type: "control", action: "cancel" });
  return html`<dialog class="stop-dialog" data-testid="stop-dialog" aria-labelledby="stop-title">
    <h2 id="stop-title">Stop the debate?</h2>
    <p>What has been said stays.</p>
    <form class="choices" method="dialog">
      <button class="btn btn-outline" data-testid="stop-not" autofocus>Let it go on</button>
      <button class="btn btn-error" data-testid="stop-confirm" @click=${stop}>Stop the debate</button>
    </form>
  </dialog>`;
}

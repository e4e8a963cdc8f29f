// The buttons that pause, resume and stop a debate, and the confirmation before stopping.

import { type TemplateResult, html, nothing, svg } from "lit";
import type { Commands } from "../client/commands.ts";
import type { Action } from "../protocol/events.gen.ts";
import { type State, isTerminal } from "../protocol/state.ts";
import type { LiveDebate } from "./status-panel.ts";

const LABELS: Readonly<Record<Action, readonly [idle: string, busy: string]>> = {
  pause: ["Pause", "Pausing"],
  resume: ["Resume", "Resuming"],
  conclude: ["Verdict now", "Ending"],
  cancel: ["Stop", "Stopping"],
};

const ICONS: Readonly<Record<Action, TemplateResult>> = {
  pause: svg`<path d="M4 3h3v10H4zM9 3h3v10H9z"/>`,
  resume: svg`<path d="M4 2.5v11l9.5-5.5z"/>`,
  conclude: svg`<path d="M2.5 8.5l2-2 2.5 2.5 5.5-5.5 2 2-7.5 7.5z"/>`,
  cancel: svg`<path d="M3.5 3.5h9v9h-9z"/>`,
};

/** The first button changes its label instead of being replaced, and none is ever disabled, so that the keyboard's
 * focus stays. */
export function controlsTemplate({ page, state, commands, isCutOff }: LiveDebate): TemplateResult | typeof nothing {
  const status = state.status ?? page.status;
  if (!page.canControl || isTerminal(status)) return nothing;
  const busy = pendingAction(state, commands);
  const problem = commands.at("control")?.problem;
  const button = (action: Action, press: () => void): TemplateResult => {
    const isIdle = busy === null || (action === "cancel" && busy !== "cancel" && !commands.isPending("control"));
    const isLate = action === "conclude" && state.messages.at(-1)?.kind === "final";
    const isReady = isIdle && !isCutOff && !isLate;
    const words = LABELS[action][busy === action ? 1 : 0];
    return html`<button
      type="button"
      class="btn btn-sm"
      data-testid="control-${action === "cancel" ? "stop" : action}"
      data-action=${action}
      aria-label=${action === "conclude" ? words : `${words} the debate`}
      aria-busy=${busy === action ? "true" : "false"}
      aria-disabled=${isReady ? "false" : "true"}
      @click=${() => isReady && press()}
    >
      <svg viewBox="0 0 16 16" width="14" height="14" fill="currentColor" aria-hidden="true">${ICONS[action]}</svg>
      <span>${words}</span>
    </button>`;
  };
  const toggle = status === "paused" ? "resume" : "pause";
  return html`<div class="controls" role="group" aria-label="Control the debate" data-testid="controls">
    ${button(toggle, () => commands.give({ type: "control", action: toggle }))} ${button("conclude", () => commands.give({ type: "control", action: "conclude" }))}
    ${button("cancel", askToStop)}
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
  return last === "cancel" || last === "conclude" ? last : null;
}

function askToStop(): void {
  document.querySelector<HTMLDialogElement>(".stop-dialog")?.showModal();
}

/** The confirmation. A native dialog keeps the focus inside, closes on Escape, and restores the focus. */
export function stopDialogTemplate(commands: Commands): TemplateResult {
  const stop = (): void => commands.give({ type: "control", action: "cancel" });
  return html`<dialog class="stop-dialog" data-testid="stop-dialog" aria-labelledby="stop-title">
    <h2 id="stop-title">Stop this debate?</h2>
    <p>The transcript is kept.</p>
    <form class="choices" method="dialog">
      <button class="btn btn-outline" data-testid="stop-not" autofocus>Keep running</button>
      <button class="btn btn-error" data-testid="stop-confirm" @click=${stop}>Stop the debate</button>
    </form>
  </dialog>`;
}

// <outcry-debate>: draws one debate, live.

import { type TemplateResult, html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { AutoScroll } from "../attention/auto-scroll.ts";
import { ReadPosition } from "../attention/read-position.ts";
import type { Page } from "../client/page-data.ts";
import { isTerminal } from "../protocol/state.ts";
import { stopDialogTemplate } from "../status/controls.ts";
import { statusPanelTemplate } from "../status/status-panel.ts";
import { bannersTemplate } from "../transcript/banners.ts";
import { demoTemplate, localTemplate } from "../transcript/notices.ts";
import { transcriptTemplate } from "../transcript/transcript.ts";
import { DebateSession } from "./debate-session.ts";
import {
  composerTemplate,
  endingTemplate,
  floatingTemplate,
  questionTemplate,
  stoppedTemplate,
  watermarkTemplate,
} from "./debate-template.ts";
import { type Drawn, LiveElement, type PageElement, pageData } from "../shared/page-element.ts";
import { every } from "../shared/timers.ts";

@customElement("outcry-debate")
export class DebateElement extends LiveElement {
  #session!: DebateSession;
  #scroll!: AutoScroll;
  #announced = "";

  protected override entered(signal: AbortSignal): void {
    const page = this.#session?.page ?? pageData<Page>(this);
    const draw = (): void => this.requestUpdate();
    // A finished debate is read from its beginning.
    this.#scroll = new AutoScroll(!isTerminal(page.status), draw, signal);
    this.#session = new DebateSession(page, new ReadPosition(this.#scroll), draw);
    this.#session.start(signal);
    const isRunning = (): boolean => this.#session.state.status !== null && !this.#session.isOver;
    every(1000, () => isRunning() && draw(), signal);
  }

  protected override willUpdate(): void {
    const { mode, openRequest, page } = this.#session;
    this.#announced = this.#session.takeAnnouncements() ?? this.#announced;
    const marks = `${mode === "demo" ? "Demo: " : ""}${openRequest === null ? "" : "(?) "}`;
    document.title = `${marks}${page.topic} · Outcry`;
  }

  protected override updated(): void {
    // The debate is over: close the dialog that confirms stopping it.
    if (this.#session.isOver) this.querySelector<HTMLDialogElement>("dialog[open]")?.close();
    if (this.#session.position.isBack) void this.#restorePosition();
    super.updated();
  }

  protected override get drawn(): Drawn {
    return this.#session;
  }

  async #restorePosition(): Promise<void> {
    // Wait until the messages, which draw themselves after this element, have their final size.
    const parts = this.querySelectorAll<PageElement>("outcry-message, outcry-verdict");
    await Promise.all(Array.from(parts, (part) => part.updateComplete));
    this.#session.position.restore(this.querySelector(".missed-divider"));
  }

  protected override render(): TemplateResult {
    const session = this.#session;
    const { page, state, mode, commands } = session;
    const local = state.messages.find((message) => message.provider === "local");
    return html`
      <div class="debate" data-mode=${mode}>
        ${mode === "demo" ? watermarkTemplate() : nothing} ${questionTemplate(page)}
        ${statusPanelTemplate(session)}
        <div class="transcript">
          ${bannersTemplate(endingTemplate(session), session.banners, (id) => session.dismissBanner(id))}
          ${demoTemplate(page, state)} ${local ? localTemplate(local.model, state.fallbacks.length > 0) : nothing}
          ${transcriptTemplate(session)} ${stoppedTemplate(session)} ${composerTemplate(session)}
        </div>
      </div>
      ${floatingTemplate(session, this.#scroll.isBehind, this.#jump)}
      ${page.canControl ? stopDialogTemplate(commands) : nothing}
      <p class="sr-only" aria-live="polite" data-testid="announcements">${this.#announced}</p>
    `;
  }

  #jump = (): void => {
    const open = this.querySelector('.input-request[data-state="open"]');
    if (open) this.#scroll.to(open);
    else this.#scroll.toBottom();
  };
}

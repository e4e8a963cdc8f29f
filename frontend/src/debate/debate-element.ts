// <outcry-debate>: draws one debate, live.

import { type TemplateResult, html, nothing } from "lit";
import { customElement } from "lit/decorators.js";
import { AutoScroll } from "../attention/auto-scroll.ts";
import { Permalink } from "../attention/permalink.ts";
import { markReadingPlace } from "../attention/reading-place.ts";
import { ReadPosition } from "../attention/read-position.ts";
import type { Page } from "../client/page-data.ts";
import { type ItemLink, answerAskers } from "../evidence/askers.ts";
import { paperListTemplate } from "../evidence/paper-list.ts";
import { evidencePanelTemplate } from "../evidence/panel-template.ts";
import { isTerminal } from "../protocol/state.ts";
import { stopDialogTemplate } from "../status/controls.ts";
import { statusPanelTemplate } from "../status/status-panel.ts";
import { FIRST_WORD_STAYS, statusWord } from "../status/status-word.ts";
import { bannersTemplate } from "../transcript/banners.ts";
import { demoTemplate, sampleTemplate, testModelTemplate } from "../transcript/notices.ts";
import type { MessageFormElement } from "../transcript/message-form.ts";
import { outlineTemplate } from "../transcript/outline.ts";
import { transcriptTemplate } from "../transcript/transcript.ts";
import { takeLateAnswers } from "../transcript/unsent.ts";
import { DebateSession } from "./debate-session.ts";
import {
  composerTemplate,
  endingTemplate,
  floatingTemplate,
  notifyTemplate,
  questionTemplate,
  relatedTemplate,
  sourcesTemplate,
  stoppedTemplate,
  verdictTemplate,
  watermarkTemplate,
} from "./debate-template.ts";
import { type Drawn, LiveElement, type PageElement, pageData } from "../shared/page-element.ts";
import { tellStatus } from "../shared/page-status.ts";
import { drawnAll } from "../shared/slices.ts";
import { after, every } from "../shared/timers.ts";

@customElement("outcry-debate")
export class DebateElement extends LiveElement {
  #session!: DebateSession;
  #scroll!: AutoScroll;
  #permalink!: Permalink;
  #itemLink!: ItemLink;
  #announced = "";
  /** Whether the debate was over when the page was opened: then the verdict comes first. */
  #isRead = false;
  #isEnded = false;
  #toldStatus = "";
  /** What had the focus before this drawing, which may remove it. */
  #focused: Element | null = null;

  protected override entered(signal: AbortSignal): void {
    const page = this.#session?.page ?? pageData<Page>(this);
    const draw = (): void => this.requestUpdate();
    this.#isRead = isTerminal(this.#session?.state.status ?? page.status);
    this.#permalink = new Permalink(signal);
    this.#scroll = new AutoScroll(!this.#isRead, draw, signal);
    this.#itemLink = answerAskers(this, () => this.#session.state, signal);
    if (this.#permalink.isAhead || this.#itemLink.isAhead) this.#scroll.hold();
    this.#session = new DebateSession(page, new ReadPosition(this.#scroll), draw);
    this.#session.start(signal);
    markReadingPlace(this, signal);
    const isRunning = (): boolean => this.#session.state.status !== null && !this.#session.isOver;
    every(1000, () => isRunning() && draw(), signal);
    const left = FIRST_WORD_STAYS - this.#session.age;
    if (left > 0) after(left, draw, signal);
  }

  protected override willUpdate(): void {
    const { mode, openRequest, notices, page } = this.#session;
    this.#announced = this.#session.takeAnnouncements() ?? this.#announced;
    const marks = `${mode === "demo" ? "Demo: " : ""}${openRequest === null ? notices.mark : "(?) "}`;
    document.title = `${page.isSample ? "Sample: " : marks}${page.topic} · Outcry`;
    const focused = document.activeElement;
    this.#focused = this.contains(focused) ? focused : null;
  }

  protected override updated(): void {
    // The debate is over: close the dialog that confirms stopping it.
    if (this.#session.isOver) this.querySelector<HTMLDialogElement>("dialog[open]")?.close();
    if (this.#focused !== null) void this.#keepFocus(this.#focused);
    if (this.#session.position.isBack) void this.#restorePosition();
    if (this.#session.isOver && !this.#isEnded) void this.#showResult();
    this.#keepLateAnswers();
    void this.#followLink();
    this.#tellStatus();
    super.updated();
  }

  /** Tells the list of debates what this page shows, each time that changes. */
  #tellStatus(): void {
    const { page, state, complete } = this.#session;
    const { verdict = null, reason = null } = complete ?? {};
    const shown = { status: state.status ?? page.status, word: statusWord(this.#session), verdict, reason };
    const told = JSON.stringify(shown);
    if (told === this.#toldStatus) return;
    this.#toldStatus = told;
    tellStatus(shown);
  }

  protected override get drawn(): Drawn {
    return this.#session;
  }

  /** If what had the focus was removed, gives it to the field for the next text, or to the status. */
  async #keepFocus(focused: Element): Promise<void> {
    await this.#settled();
    if (focused.isConnected || document.activeElement !== document.body) return;
    const field = focused.closest("form.message-form") && this.querySelector<HTMLElement>(".composer:not([hidden]) textarea");
    const next = field ?? this.querySelector<HTMLElement>(".status-word");
    next?.focus({ preventScroll: true });
  }

  /** An answer whose question has closed goes into the field for messages. */
  #keepLateAnswers(): void {
    const composer = this.querySelector<MessageFormElement>("outcry-message-form.composer");
    if (composer !== null) for (const answer of takeLateAnswers(this.#session.state)) composer.adopt(answer);
  }

  /** Wait until the parts that draw themselves after this element have their final size. */
  async #settled(): Promise<void> {
    const parts = this.querySelectorAll<PageElement>("outcry-message, outcry-verdict, outcry-message-form");
    await Promise.all(Array.from(parts, (part) => part.updateComplete));
    await drawnAll();
  }

  async #restorePosition(): Promise<void> {
    await this.#settled();
    this.#session.position.restore(this.querySelector(".missed-divider"));
  }

  async #followLink(): Promise<void> {
    const message = await this.#permalink.follow();
    if (message !== null) this.#scroll.release(message);
    await this.#itemLink.follow((item) => this.#scroll.release(item));
  }

  async #showResult(): Promise<void> {
    this.#isEnded = true;
    await this.#settled();
    const result = this.querySelector("#verdict");
    if (result !== null) this.#scroll.end(result, !this.#isRead);
  }

  protected override render(): TemplateResult {
    const session = this.#session;
    const { page, state, mode, commands } = session;
    const isTest = state.messages.some(({ provider }) => provider === "local");
    const verdict = verdictTemplate(session);
    return html`
      <div class="debate" data-mode=${mode}>
        ${mode === "demo" ? watermarkTemplate() : nothing}
        ${questionTemplate(session)}
        <div class="rail">${statusPanelTemplate(session)} ${notifyTemplate(session)} ${evidencePanelTemplate(state, page, () => this.requestUpdate())} ${outlineTemplate(session)} ${sourcesTemplate(page)}</div>
        <div class="column">
          ${bannersTemplate(endingTemplate(session), session.banners, (id) => session.dismissBanner(id))}
          ${page.isSample ? sampleTemplate(page) : nothing} ${demoTemplate(page, state)} ${isTest ? testModelTemplate(page) : nothing} ${this.#isRead ? verdict : nothing}
          ${transcriptTemplate(session)} ${stoppedTemplate(session)} ${this.#isRead ? nothing : verdict}
          ${relatedTemplate("Followed by", session.followedBy)}
          ${session.isOver ? paperListTemplate(state) : nothing}
          <div class="dock" ?data-over=${session.isOver}>
            ${floatingTemplate(session, this.#scroll.isBehind, this.#jump)} ${composerTemplate(session, this.querySelector(".composer")?.matches(":focus-within") ?? false)}
          </div>
        </div>
      </div>
      ${page.canControl ? stopDialogTemplate(commands) : nothing}
      ${state.evidence.length === 0 ? nothing : html`<outcry-evidence-card .debate=${state} .sources=${page.sources}></outcry-evidence-card>`}
      <p class="sr-only" aria-live="polite" data-testid="announcements">${this.#announced}</p>
    `;
  }

  #jump = (): void => {
    const open = this.querySelector('.input-request[data-state="open"]');
    if (open) this.#scroll.to(open);
    else this.#scroll.toNewest();
  };
}

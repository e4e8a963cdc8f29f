// The parts of a debate's page around its transcript.

import { type TemplateResult, html, nothing } from "lit";
import type { CheckedFigure } from "../protocol/events.gen.ts";
import { type State, isTerminal } from "../protocol/state.ts";
import { modelsOf, roundOf } from "../status/usage.ts";
import { mayAsk } from "../attention/notifications.ts";
import { type Link, type Page, type Source, isJudged } from "../client/page-data.ts";
import type { Said } from "../transcript/message-form.ts";
import { noteOn } from "../transcript/next-turn.ts";
import { date, thousands } from "../shared/format.ts";
import { outcomeTemplate } from "../evidence/outcome.ts";
import "../transcript/verdict-element.ts";
import type { DebateSession } from "./debate-session.ts";
import { exportMenuTemplate } from "./export-menu.ts";

/** Wide windows have room for the sources beside the transcript. */
const OPENS_SOURCES = innerWidth >= 1600;

/** One value, so that a verdict without figures counts as unchanged. */
const NO_FIGURES: readonly CheckedFigure[] = [];

type Optional = TemplateResult | typeof nothing;

/** The watermark of a demo, on paper only. An element, because printers omit backgrounds. */
export function watermarkTemplate(): TemplateResult {
  return html`<svg class="watermark" data-testid="watermark" aria-hidden="true">
    <pattern id="demo-mark" width="340" height="190" patternUnits="userSpaceOnUse">
      <text x="170" y="105" transform="rotate(-20 170 95)" text-anchor="middle">DEMO</text>
    </pattern>
    <rect width="100%" height="100%" fill="url(#demo-mark)"></rect>
  </svg>`;
}

export function questionTemplate(session: DebateSession): TemplateResult {
  const { page, state } = session;
  const { topic, apiUrl, isSample } = page;
  return html`<header class="question">
    <h1 class="topic" dir="auto" ?data-long=${topic.length > 140}>${topic}</h1>
    ${isSample ? nothing : exportMenuTemplate(apiUrl)} ${relatedTemplate("Follows", page.follows)} ${routingTemplate(page, state)} ${teamTemplate(page)}
    <p class="on-paper">${paperFacts(page, state)}</p>
  </header>`;
}

/** Nothing where a person has chosen the team. Until it is chosen, the room that it takes. */
function routingTemplate({ teams, panel, isRouted, canSpeak, apiUrl, status }: Page, { routing, status: now }: State): Optional {
  const isAhead = routing === null && isRouted && !isTerminal(now ?? status);
  if (!isAhead && (routing === null || routing.by === "person")) return nothing;
  return html`<outcry-routing .routing=${routing} .panel=${panel} .teams=${teams} .url=${canSpeak ? `${apiUrl}again` : null}></outcry-routing>`;
}

/** The team that a person has composed, in the version that speaks here. */
function teamTemplate({ team, canSpeak }: Page): Optional {
  if (team == null) return nothing;
  const { id, name, version, newest_version: newest } = team;
  const title = canSpeak && newest !== null ? html`<a class="link" href="/teams/${id}/" dir="auto">${name}</a>` : html`<strong dir="auto">${name}</strong>`;
  const isStale = newest !== null && version < newest;
  const since = newest === null ? `version ${version}. The team was deleted.` : isStale ? `version ${version} of ${newest}: the team has changed since.` : `version ${version}`;
  return html`<p class="composed-team" data-testid="composed-team" ?data-stale=${isStale}><span>${title},</span> <span>${since}</span></p>`;
}

/** Who asked, when, and which models answered. */
function paperFacts({ author, createdAt, rounds }: Page, state: State): string {
  const facts = [`Asked by ${author}`, date(createdAt), rounds === 1 ? "1 round" : `${rounds} rounds`, ...modelsOf(state)];
  return facts.join(" · ");
}

export function sourcesTemplate({ sources }: Page): Optional {
  if (sources.length === 0) return nothing;
  return html`<section class="sources" aria-labelledby="sources-title" data-testid="sources">
    <h2 id="sources-title">Sources</h2>
    ${sources.map(sourceTemplate)}
  </section>`;
}

function sourceTemplate({ name, characters, pages, text, url }: Source): TemplateResult {
  const parts = [pages > 1 ? `${pages} pages` : "", `${thousands(characters)} characters`];
  const size = parts.filter(Boolean).join(", ");
  if (text === null) {
    return html`<p class="source"><a class="link" href=${url} target="_blank" dir="auto">${name}</a> <span>${size}</span></p>`;
  }
  return html`<details class="material" ?open=${OPENS_SOURCES}>
    <summary>${name}, ${size}</summary>
    <div tabindex="0" dir="auto">${text}</div>
  </details>`;
}

export function verdictTemplate({ complete, state, page }: DebateSession): Optional {
  // The answer of a team without a judge is its last message.
  if (complete === null || complete.reason === "not_a_debate") return nothing;
  const said = state.messages.find(({ kind, text }) => kind === "final" && text === complete.summary);
  return html`<outcry-verdict
    id="verdict"
    data-message=${said?.id ?? nothing}
    .complete=${complete}
    .figures=${said?.figures ?? NO_FIGURES}
    .evidence=${state.evidence}
  ></outcry-verdict>${outcomeTemplate(page.outcome)}`;
}

/** A sentence on why no more events arrive, if it is needed. */
export function endingTemplate({ ending, page }: DebateSession): Optional {
  if (!ending?.sentence) return nothing;
  return html`<p class="alert alert-warning" role="alert" data-testid="connection-ended">
    <span>
      ${ending.sentence}
      ${ending.signIn ? html`<a class="link" href=${page.loginUrl}>Sign in to continue.</a>` : nothing}
    </span>
  </p>`;
}

/** The last line of a debate that ended without a verdict. If a person stopped it, the transcript shows that instead.
 * */
export function stoppedTemplate({ state }: DebateSession): Optional {
  if (state.status !== "cancelled" || state.controls.some(({ action }) => action === "cancel")) return nothing;
  return html`<p class="alert alert-warning">Stopped in round ${roundOf(state)}.</p>`;
}

/** The field for a text to the panel, hidden while a question has one, unless somebody is writing in it. After the end,
 * what can be done next. */
export function composerTemplate(session: DebateSession, isWriting: boolean): Optional {
  const { page, state, commands } = session;
  if (!page.canSpeak) return nothing;
  const isOver = isTerminal(state.status ?? page.status);
  const send = ({ text, to }: Said): void => commands.give({ type: "input", text, ...(to === undefined ? {} : { to }) });
  return html`<outcry-message-form
      class="composer"
      ?hidden=${session.openRequest !== null && !isWriting}
      .name=${"composer"}
      .label=${"Message the analysts"}
      .verb=${"Send"}
      .limit=${page.maxText}
      .attempt=${commands.at("composer")}
      .closed=${isOver}
      .recipients=${page.agents}
      .note=${(to: string | undefined) => noteOn(page, state, to)}
      @submitted=${({ detail }: CustomEvent<Said>) => send(detail)}
    ></outcry-message-form>
    ${isOver ? afterTemplate(session) : nothing}`;
}

function afterTemplate(session: DebateSession): Optional {
  const { page, state } = session;
  const hasFailed = state.status === "error";
  const canFollow = state.messages.some((message) => message.state === "done");
  if (hasFailed && !canFollow) return nothing;
  return html`<outcry-after
    .url=${`${page.apiUrl}again`}
    .editUrl=${page.againUrl}
    .isJudged=${isJudged(page, state.panel)}
    .hasFailed=${hasFailed}
    .canFollow=${canFollow}
    .limit=${page.maxTopic}
    @followed=${({ detail }: CustomEvent<Link>) => session.addFollower(detail)}
  ></outcry-after>`;
}

/** Asks for the browser's notifications, as long as nobody has decided on them. */
export function notifyTemplate(session: DebateSession): Optional {
  if (!mayAsk() || isTerminal(session.state.status ?? session.page.status)) return nothing;
  return html`<button
    type="button"
    class="btn btn-outline btn-sm notify"
    data-testid="notify-me"
    title="When this debate ends or asks you something while you are in another tab"
    @click=${() => session.askToNotify()}
  >
    Notify me
  </button>`;
}

/** Links to the debates that this one follows, or that follow it. */
export function relatedTemplate(what: string, links: readonly Link[]): Optional {
  if (links.length === 0) return nothing;
  return html`<dl class="related" data-testid="related">
    <div>
      <dt>${what}</dt>
      ${links.map(({ topic, url }) => html`<dd><a class="link" href=${url} dir="auto">${topic}</a></dd>`)}
    </div>
  </dl>`;
}

/** The notices above the composer: a lost connection, and a button to the newest text. */
export function floatingTemplate(session: DebateSession, isBehind: boolean, jump: () => void): TemplateResult {
  const lost = session.isOffline ? "Offline. You'll catch up when reconnected" : "Connection lost. Reconnecting";
  const end = session.isOver && isJudged(session.page, session.state.panel) ? "Jump to verdict" : "Jump to latest";
  return html`<div class="floating">
    <p class="lost" role="status" data-testid="connection-lost">
      ${session.connectionState === "reconnecting" ? html`<span>${lost}</span>` : nothing}
    </p>
    <button
      type="button"
      class="btn btn-primary btn-sm"
      data-testid="jump-to-newest"
      ?hidden=${!isBehind}
      @click=${jump}
    >
      ${session.openRequest === null ? end : "Jump to question"}
    </button>
  </div>`;
}

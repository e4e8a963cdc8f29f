// The table of connected clients.

import { type TemplateResult, html, nothing } from "lit";
import { bytes, rate, timeOfDay } from "./data.ts";
import type { Session, Sessions } from "./figures.gen.ts";
import { label, thousands } from "../shared/format.ts";

export function sessionsTemplate({ total, sessions }: Sessions): TemplateResult {
  if (total === 0) return html`<p class="empty">No clients are connected to this process.</p>`;
  return html`<div class="scroll sessions" role="region" tabindex="0" aria-label="Connections">
      <table data-testid="sessions">
        <thead>
          <tr>
            <th scope="col">User</th>
            <th scope="col">State</th>
            <th scope="col">Debate</th>
            <th scope="col">Since</th>
            <th scope="col" class="number">Behind</th>
            <th scope="col" class="number">At event</th>
            <th scope="col" class="number">Tokens</th>
            <th scope="col" class="number">Frames</th>
            <th scope="col" class="number">Sent</th>
            <th scope="col">Acks</th>
            <th scope="col">By</th>
          </tr>
        </thead>
        <tbody>
          ${sessions.map(rowTemplate)}
        </tbody>
      </table>
    </div>
    ${sessions.length < total
      ? html`<p class="quiet">The newest ${thousands(sessions.length)} of ${thousands(total)}.</p>`
      : nothing}`;
}

function rowTemplate(session: Session): TemplateResult {
  const { conversation, head, cursor, behind } = session;
  return html`<tr data-testid="session" data-id=${session.id} data-state=${session.state}>
    <th scope="row" dir="auto">${session.user}</th>
    <td><span class="stream-state" data-state=${session.state}>${label(session.state)}</span></td>
    <td>
      ${conversation === null
        ? html`<span class="quiet">none yet</span>`
        : html`<a class="link mono" href="/conversations/${conversation}/">${conversation.slice(0, 8)}</a>`}
    </td>
    <td><time datetime=${session.since}>${timeOfDay(session.since)}</time></td>
    <td class="number">${thousands(behind)}</td>
    <td class="number">${thousands(cursor)} <span class="quiet">of ${thousands(head)}</span></td>
    <td class="number">${thousands(session.tokens)}</td>
    <td class="number">${thousands(session.frames)}</td>
    <td class="number">${bytes(session.bytes)}</td>
    <td>${session.acked ? "yes" : html`<span class="quiet">no</span>`}</td>
    <td>${session.transport}${session.rate === null ? nothing : html` at ${rate(session.rate)}/s`}</td>
  </tr>`;
}

// The start of a debate, from the press on the button to the debate's own page.

import { type TemplateResult, html, nothing, render } from "lit";
import { type Running, runningOf } from "../shared/busy.ts";
import { type Outcome, post } from "../shared/http.ts";

/** `running` is not null if as many debates run as may run at once. `isStale`: somebody has signed in since the page was
 * loaded, so that it has to be loaded again. */
export type Failure = Omit<Exclude<Outcome<never>, { problem: null }>, "answer"> & {
  readonly running: readonly Running[] | null;
  readonly isStale: boolean;
};

type Started = { readonly problem: null; readonly body: { readonly url: string } };

/** Asks the server to start a debate. `cause` is what the person did. */
export async function requestStart(api: string, values: object, cause: Event | null): Promise<Started | Failure> {
  const outcome = await post<Started["body"]>(api, values, { ...(cause ? { cause } : {}), advice: "Nothing is lost." });
  if (outcome.problem === null) return outcome;
  const { code } = outcome.answer as { code?: string };
  return { ...outcome, running: runningOf(outcome), isStale: code === "csrf" };
}

/** Shows what the debate's page begins with, in place of the form; null shows the form again. */
export function showStarting(page: HTMLElement, topic: string | null): void {
  const form = page.querySelector<HTMLElement>("[data-start-page]");
  const place = page.querySelector<HTMLElement>("[data-starting]");
  if (!form || !place) return;
  form.hidden = topic !== null;
  place.hidden = topic === null;
  page.closest("main")?.classList.toggle("page-live", topic !== null);
  render(topic === null ? nothing : startingTemplate(topic), place);
  if (topic !== null) scrollTo(0, 0);
}

/** The question, the status and the opening line, where the debate's page has them. */
function startingTemplate(topic: string): TemplateResult {
  return html`<div class="debate">
    <div class="rail">
      <aside class="status-panel" data-theme="dark" aria-label="Status">
        <div class="status-row">
          <p class="status">
            <span class="status-word" role="status" data-testid="conversation-status" data-status="initializing">Initializing</span>
          </p>
        </div>
      </aside>
    </div>
    <div class="column">
      <header class="question"><h1 class="topic" dir="auto" ?data-long=${topic.length > 140}>${topic}</h1></header>
      <p class="waiting opening"><i></i><i></i><i></i><span>The analysts are getting ready</span></p>
    </div>
  </div>`;
}

// The debates that already run, if there are as many as may run at once.

import { type TemplateResult, html } from "lit";
import { post } from "../shared/http.ts";

export type Running = { readonly id: string; readonly topic: string; readonly status: string; readonly url: string };

export type Busy = {
  readonly problem: string;
  readonly running: readonly Running[];
  /** Ids of the debates that are being stopped. */
  readonly stopping: ReadonlySet<string>;
};

/** `queue` starts the debate when one ends; `stop` stops one. */
export function busyTemplate({ problem, running, stopping }: Busy, queue: () => void, stop: (id: string) => void): TemplateResult {
  return html`<section class="busy" role="alert" data-testid="busy">
    <p>${problem}</p>
    <ul>
      ${running.map(
        ({ id, topic, url }) => html`<li data-id=${id}>
          <a class="link" dir="auto" href=${url}>${topic}</a>
          <button
            type="button"
            class="btn btn-outline btn-sm"
            aria-label="Stop ${topic}"
            aria-disabled=${stopping.has(id)}
            @click=${() => stopping.has(id) || stop(id)}
          >
            ${stopping.has(id) ? "Stopping" : "Stop"}
          </button>
        </li>`,
      )}
    </ul>
    <button type="button" class="btn btn-primary btn-sm" data-testid="start-when-free" @click=${queue}>Start when one ends</button>
  </section>`;
}

/** Asks the server to stop a debate. Returns why not, or null. */
export async function stopDebate(api: string, id: string): Promise<string | null> {
  return (await post(`${api}${id}/control`, { action: "cancel" })).problem;
}

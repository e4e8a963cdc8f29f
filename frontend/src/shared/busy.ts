// The debates that already run, if there are as many as may run at once.

import { type TemplateResult, html } from "lit";
import { type Outcome, post } from "./http.ts";

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

/** The debates that run, if a start was refused because of them; else null. */
export function runningOf({ answer }: Pick<Extract<Outcome<never>, { problem: string }>, "answer">): readonly Running[] | null {
  return (answer as { running?: readonly Running[] }).running ?? null;
}

/** Stops a debate. `change` is called with what becomes of the list. */
export async function stopOne(id: string, change: (next: (busy: Busy) => Busy) => void): Promise<void> {
  change((busy) => ({ ...busy, stopping: new Set([...busy.stopping, id]) }));
  const { problem } = await post(`/api/conversations/${id}/control`, { action: "cancel" });
  change((busy) => ({
    problem: problem ?? busy.problem,
    running: busy.running.filter((each) => problem !== null || each.id !== id),
    stopping: new Set([...busy.stopping].filter((each) => each !== id)),
  }));
}

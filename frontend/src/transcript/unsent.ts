// Texts to the panel that have not been sent, kept while the tab lasts, so that a reload loses none.

import { type State, isTerminal } from "../protocol/state.ts";

const keyOf = (form: string): string => `outcry:text:${location.pathname}:${form}`;

/** The text of a form; "" if there is none. */
export function unsentText(form: string): string {
  try {
    return sessionStorage.getItem(keyOf(form)) ?? "";
  } catch {
    return ""; // storage is blocked
  }
}

/** Keeps the text of a form; "" removes it. */
export function keepText(form: string, text: string): void {
  try {
    if (text === "") sessionStorage.removeItem(keyOf(form));
    else sessionStorage.setItem(keyOf(form), text);
  } catch {
    // The storage is full or blocked: the text lasts as long as the page.
  }
}

/** The name of the form that answers a question. */
export function answerForm(request: string): string {
  return `answer-${request}`;
}

/** Removes and returns the answers that were being written when their questions closed. */
export function takeLateAnswers({ requests, humans, status }: State): string[] {
  return requests.flatMap(({ request, state }) => {
    if (state === "open" && !isTerminal(status)) return [];
    const text = unsentText(answerForm(request)).trim();
    keepText(answerForm(request), "");
    const isSent = humans.some((human) => human.reply_to === request && human.text === text);
    return text === "" || isSent ? [] : [text];
  });
}

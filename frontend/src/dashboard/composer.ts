// What a new debate is about: the text of the one box, which is a question if it is short and else a source, and the
// sources beside it, pasted or uploaded.

import type { Draft } from "./draft.ts";
import type { Sources } from "./sources.ts";
import { characterCount } from "../shared/format.ts";

/** A text that was pasted as a source. `name` is its label. */
export type Pasted = { readonly name: string; readonly text: string };

/** The longest question, in characters; a longer text is a source. */
export const MAX_QUESTION = 500;

/** Whether a pasted text becomes a source instead of going into the box: if it is longer than a question, or has more
 * than one line. */
export function isSource(pasted: string): boolean {
  const text = pasted.trim();
  return characterCount(text) > MAX_QUESTION || /[\r\n]/.test(text);
}

export class Composer {
  readonly text: HTMLTextAreaElement;
  /** The question, where the box has none. */
  readonly question: HTMLTextAreaElement;
  readonly sources: Sources;
  pasted: readonly Pasted[] = [];
  /** Whether the person has written the question beside the sources, instead of leaving the one that is taken from
   * them. */
  isQuestionOwn = false;

  constructor(text: HTMLTextAreaElement, question: HTMLTextAreaElement, sources: Sources) {
    this.text = text;
    this.question = question;
    this.sources = sources;
  }

  get hasSources(): boolean {
    return this.pasted.length > 0 || this.sources.ready.length > 0;
  }

  /** Whether the box holds the question. */
  get isAsked(): boolean {
    const count = characterCount(this.text.value);
    return count > 0 && count <= MAX_QUESTION;
  }

  get isEmpty(): boolean {
    return characterCount(this.text.value) === 0 && !this.hasSources;
  }

  /** The content that is sent, which is not that of uploaded sources. */
  get content(): string {
    const texts = this.pasted.map(({ text }) => text);
    return [...texts, this.isAsked ? "" : this.text.value.trim()].filter(Boolean).join("\n\n");
  }

  /** The part of the request; without `topic` the server takes the question from the sources. */
  get values(): Record<string, unknown> {
    const topic = (this.isAsked ? this.text : this.isQuestionOwn ? this.question : null)?.value.trim();
    const sources = this.sources.ready.map(({ id }) => id);
    const datasets = this.sources.datasets.map(({ id }) => id);
    return {
      ...(topic ? { topic } : {}),
      content: this.content,
      ...(sources.length === 0 ? {} : { sources }),
      ...(datasets.length === 0 ? {} : { datasets }),
    };
  }

  get draft(): Pick<Draft, "text" | "question" | "pasted" | "sources" | "datasets"> {
    const question = this.isQuestionOwn ? this.question.value : null;
    return { text: this.text.value, question, pasted: this.pasted, sources: this.sources.ready, datasets: this.sources.datasets };
  }

  restore({ text, question, pasted, sources, datasets }: Omit<Draft, "options" | "key">): void {
    this.text.value = text;
    this.isQuestionOwn = question !== null;
    this.question.value = question ?? "";
    this.pasted = pasted;
    this.sources.replace(sources, datasets);
  }
}

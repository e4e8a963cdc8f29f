// <outcry-calls>: the calls of tools in a message. What draws them is loaded with the first ones.

import { type TemplateResult, html } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import type { Tool } from "../protocol/state.ts";
import { LazyPart } from "../shared/lazy.ts";
import { PageElement } from "../shared/page-element.ts";

type Draw = typeof import("./call.ts").callTemplate;

@customElement("outcry-calls")
export class CallsElement extends PageElement {
  @property({ attribute: false }) tools!: readonly Tool[];

  @state() private draw: Draw | null = null;

  #drawing = new LazyPart(this, "What the tools did", () => import("./call.ts"));

  protected override entered(): void {
    void this.#load();
  }

  async #load(): Promise<void> {
    this.draw = (await this.#drawing.load()).callTemplate;
  }

  protected override render(): TemplateResult {
    return html`${this.draw === null ? this.#drawing.problem : this.tools.map(this.draw)}`;
  }
}

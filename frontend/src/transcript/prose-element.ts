// <outcry-prose>: Markdown that may still grow. It is drawn again only from the first changed block, so that a selection
// above stays.

import { customElement, property } from "lit/decorators.js";
import { figuresByBlock, marking, placedIn } from "../evidence/figure-marks.ts";
import { itemsOf } from "../evidence/record.ts";
import type { CheckedFigure, Item } from "../protocol/events.gen.ts";
import { blocks, nodesOf } from "../shared/markdown.ts";
import { linkNotes } from "../shared/notes.ts";
import { PageElement } from "../shared/page-element.ts";
import { dropped, sliced } from "../shared/slices.ts";

type Complete = typeof import("../shared/completion.ts").completed;

/** Closes the open marks of what grows. It is loaded with the first such text, which is drawn as it is until then. */
let completed: Complete | null = null;
let loading: Promise<void> | null = null;

async function load(): Promise<void> {
  try {
    ({ completed } = await import("../shared/completion.ts"));
  } catch {
    loading = null; // The network failed: the next drawing tries again.
  }
}

@customElement("outcry-prose")
export class ProseElement extends PageElement {
  @property({ attribute: false }) text!: string;
  /** Whether more text may follow. */
  @property({ attribute: false }) isGrowing!: boolean;
  /** The checked figures of the whole message, and how many code points of it stand before this text. */
  @property({ attribute: false }) figures: readonly CheckedFigure[] = [];
  @property({ attribute: false }) begin = 0;
  /** The items of the debate's record. */
  @property({ attribute: false }) evidence: readonly Item[] = [];

  #rendered: { key: string; nodes: Node[] }[] = [];

  protected override updated(): void {
    // What grows is drawn at once. Of whole texts, hundreds may come at the same time.
    if (!this.isGrowing && this.#rendered.length === 0) return sliced(this, () => this.#draw());
    dropped(this);
    this.#draw();
  }

  #draw(): void {
    if (this.isGrowing && completed === null) void (loading ??= load()).then(() => completed && this.requestUpdate());
    const found = blocks(this.isGrowing && completed !== null ? completed(this.text) : this.text);
    const next = figuresByBlock(found, this.text, placedIn(this.text, this.figures, this.begin)).map(([block, placed]) => {
      const labels = placed.map(({ figure: { start, label, expected } }) => `${start} ${label} ${expected}`);
      return { block, placed, key: [block.raw, this.evidence.length, ...labels].join("\0") };
    });
    const same = this.#rendered.findIndex(({ key }, index) => key !== next[index]?.key);
    const kept = same === -1 ? this.#rendered.length : same;
    for (const { nodes } of this.#rendered.splice(kept)) for (const node of nodes) (node as ChildNode).remove();
    for (const { block, placed, key } of next.slice(kept)) {
      const nodes = nodesOf(block, marking(block, placed, itemsOf(this.evidence)));
      this.#rendered.push({ key, nodes });
      this.append(...nodes);
    }
    const message = this.closest<HTMLElement>("outcry-message");
    if (message !== null) linkNotes(message, !this.isGrowing);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    dropped(this);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.requestUpdate();
  }
}

// <outcry-formula tex="..." display>: a formula. TeX is loaded when the first one comes into a page; until then, and
// where TeX has an error, the element shows its content, the source.

type Draw = typeof import("./tex.ts").drawn;

let draw: Draw | null = null;
let loading: Promise<void> | null = null;

export class FormulaElement extends HTMLElement {
  connectedCallback(): void {
    this.dir = "ltr";
    if (draw !== null) return this.#draw(draw);
    loading ??= load();
    void loading.then(() => draw && this.isConnected && this.#draw(draw));
  }

  #draw(drawn: Draw): void {
    const math = drawn(this.getAttribute("tex") ?? "", this.hasAttribute("display"));
    if (math !== null) this.replaceChildren(math);
  }
}

async function load(): Promise<void> {
  try {
    ({ drawn: draw } = await import("./tex.ts"));
  } catch {
    loading = null; // The network failed: the next formula tries again.
  }
}

customElements.define("outcry-formula", FormulaElement);

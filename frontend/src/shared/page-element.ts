// The base class of the site's custom elements.

import { LitElement } from "lit";

/** Draws into the page itself instead of a shadow root, so that the site's styles reach it. */
export class PageElement extends LitElement {
  protected override createRenderRoot(): this {
    return this;
  }
}

// TeX as MathML: no styles, links, colours or sizes of its own, and bounded in size. A chunk of its own, which only
// pages with formulas load.

import DOMPurify from "dompurify";
import katex from "katex";

/** Elements inside each other, and elements: more is shown as its source. */
const MAX_DEPTH = 60;
const MAX_ELEMENTS = 3_000;
/** Formulas kept, because a paragraph is drawn again with every word that arrives. */
const MAX_KEPT = 500;

const TEX = { output: "mathml", throwOnError: true, trust: false, strict: "ignore", maxExpand: 200, maxSize: 10 } as const;
const MATHML = {
  ALLOWED_TAGS: [
    ..."math mrow mi mn mo ms mtext mspace mfrac msqrt mroot msub msup msubsup mmultiscripts mprescripts".split(" "),
    ..."munder mover munderover mtable mtr mtd mpadded mphantom mstyle".split(" "),
  ],
  ALLOWED_ATTR: [
    ..."accent accentunder columnalign display displaystyle fence form largeop linethickness lspace mathvariant".split(" "),
    ..."maxsize minsize movablelimits rspace scriptlevel separator stretchy symmetric width".split(" "),
  ],
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  FORBID_CONTENTS: ["annotation"],
  RETURN_DOM_FRAGMENT: true as const,
};

const kept = new Map<string, Element | null>();

/** A formula as an element for the page, or null if it cannot be drawn. */
export function drawn(tex: string, isDisplay: boolean): Element | null {
  const key = `${isDisplay ? "$$" : "$"}${tex}`;
  if (!kept.has(key)) {
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(key, made(tex, isDisplay));
  }
  return (kept.get(key)?.cloneNode(true) as Element | undefined) ?? null;
}

function made(tex: string, isDisplay: boolean): Element | null {
  let html: string;
  try {
    // Models write a percent sign as it is; in TeX it would begin a comment.
    html = katex.renderToString(tex.replace(/\\[\s\S]|%/g, (mark) => (mark === "%" ? "\\%" : mark)), {
      ...TEX,
      displayMode: isDisplay,
    });
  } catch {
    return null;
  }
  const math = DOMPurify.sanitize(html, MATHML).querySelector("math");
  if (math === null || !isSmall(math)) return null;
  for (const element of math.querySelectorAll("*")) confine(element);
  return math;
}

/** Removes negative spaces, by which a formula could cover the text around it. */
function confine(element: Element): void {
  for (const name of ["width", "lspace", "rspace"]) {
    if (element.getAttribute(name)?.startsWith("-")) element.removeAttribute(name);
  }
}

function isSmall(math: Element): boolean {
  const elements = [...math.querySelectorAll("*")];
  return elements.length <= MAX_ELEMENTS && elements.every((element) => depth(element, math) <= MAX_DEPTH);
}

function depth(element: Element, root: Element): number {
  let levels = 0;
  for (let at: Element | null = element; at !== root && at !== null && levels <= MAX_DEPTH; at = at.parentElement) levels += 1;
  return levels;
}

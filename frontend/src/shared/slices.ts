// Work of drawing, cut into slices, so that the page answers between them however much there is.

/** Milliseconds of one slice. Frames come every 16 ms, and a single piece of work may take longer than what is left. */
const SLICE_MS = 8;

type Work = () => void;

/** What waits, in the order of its arrival, by the element that it draws. */
const waiting = new Map<Element, Work>();
/** Elements that wait within or near the window. */
const near = new Set<Element>();
/** When the present slice began; null between slices. */
let begun: number | null = null;
let ended: Work[] = [];

const observer = typeof IntersectionObserver === "undefined" ? null : new IntersectionObserver(sight, { rootMargin: "50%" });

/** Does the work now if the present slice has time left, else in a later one; what is in the window first. Later work for
 * the same element replaces work that waits. */
export function sliced(element: Element, work: Work): void {
  if (begun === null) {
    begun = performance.now();
    next();
  }
  if (waiting.size === 0 && performance.now() - begun < SLICE_MS) return work();
  if (!waiting.has(element)) observer?.observe(element);
  waiting.set(element, work);
}

/** Drops what waits for an element. */
export function dropped(element: Element): void {
  waiting.delete(element);
  near.delete(element);
  observer?.unobserve(element);
}

/** Resolves once nothing waits. */
export function drawnAll(): Promise<void> {
  return waiting.size === 0 ? Promise.resolve() : new Promise((resolve) => ended.push(resolve));
}

function slice(): void {
  begun = performance.now();
  while (waiting.size > 0 && performance.now() - begun < SLICE_MS) doFirst();
  if (waiting.size > 0) return next();
  begun = null;
  for (const resolve of ended.splice(0)) resolve();
}

function doFirst(): void {
  const [element] = near.size > 0 ? near : waiting.keys();
  const work = element && waiting.get(element);
  if (element === undefined) return;
  dropped(element);
  work?.();
}

function sight(entries: readonly IntersectionObserverEntry[]): void {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting && waiting.has(target)) near.add(target);
    else near.delete(target);
  }
}

// A timeout of 0 leaves the browser time to paint and to handle input between two slices, in a hidden tab, too.
function next(): void {
  setTimeout(slice);
}

// Paper has everything.
addEventListener("beforeprint", () => {
  while (waiting.size > 0) doFirst();
});

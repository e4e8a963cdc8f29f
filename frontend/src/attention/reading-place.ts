// Where the reader is, marked in the outline.

/** A message is being read once its top is above this part of the window's height. */
const EYE = 0.4;

/** Marks the outline's link to what is being read in `debate`, until `signal` aborts. */
export function markReadingPlace(debate: HTMLElement, signal: AbortSignal): void {
  let frame: number | null = null;
  const mark = (): void => {
    frame = null;
    const id = placeIn(debate)?.id;
    const link = id ? debate.querySelector<HTMLElement>(`.contents-list a[href="#${id}"]`) : null;
    const marked = debate.querySelector(".contents-list [aria-current]");
    if (link === marked) return;
    marked?.removeAttribute("aria-current");
    link?.setAttribute("aria-current", "location");
    if (link !== null) show(link);
  };
  const soon = (): void => void (frame ??= requestAnimationFrame(mark));
  addEventListener("scroll", soon, { passive: true, signal });
  addEventListener("resize", soon, { signal });
  soon();
}

/** The last message or verdict that begins above the reader's eye, else the first. */
function placeIn(debate: HTMLElement): Element | undefined {
  const places = [...debate.querySelectorAll("outcry-message, outcry-verdict")];
  const eye = innerHeight * EYE;
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((places[middle]?.getBoundingClientRect().top ?? 0) <= eye) low = middle + 1;
    else high = middle;
  }
  return places[Math.max(0, low - 1)];
}

/** Scrolls a long outline, and not the page. */
function show(link: HTMLElement): void {
  const rail = link.closest<HTMLElement>(".rail");
  if (rail === null) return;
  const [inner, outer] = [link.getBoundingClientRect(), rail.getBoundingClientRect()];
  if (inner.bottom > outer.bottom) rail.scrollTop += inner.bottom - outer.bottom;
  else if (inner.top < outer.top) rail.scrollTop -= outer.top - inner.top;
}

// The references of a text lead to its notes and numbered sources, and these back to the first reference.

/** The title of a list of sources. */
const SOURCES = /^(sources?|references?|notes?|footnotes?)\b/i;

/** Links what `markdown-nodes.ts` has marked in a message: `[to]` refers to the last `[note]` of the same name, or to an
 * item of the numbered list of sources at the end of a whole message. Any other reference stays text. Called again when
 * the message has grown. */
export function linkNotes(message: HTMLElement, isWhole: boolean): void {
  const references = message.querySelectorAll<HTMLElement>("[to]");
  if (references.length === 0) return;
  const notes = new Map<string | null, HTMLElement>();
  for (const note of message.querySelectorAll<HTMLElement>("[note]")) notes.set(note.getAttribute("note"), note);
  if (isWhole) for (const [label, item] of listedSources(message, references)) if (!notes.has(label)) notes.set(label, item);
  [...notes.values()].forEach((note, index) => identify(note, `${message.id}-note-${index + 1}`));
  const referred = new Set<HTMLElement>();
  references.forEach((reference, index) => {
    const note = notes.get(reference.getAttribute("to"));
    // A note may cite itself, and a link must not stand in a link.
    if (note === undefined || note.contains(reference) || reference.parentElement?.closest("a")) return;
    identify(reference, `${message.id}-reference-${index + 1}`);
    lead(reference, note.id, "To the note");
    const mark = note.matches("[note]") ? note.firstElementChild : null;
    if (mark !== null && !referred.has(note)) lead(mark, reference.id, "Back to the text");
    referred.add(note);
  });
}

/** The items of the list of sources by their numbers: of the last block, if it is a numbered list that has such a title, or
 * of which every item is referred to. */
function listedSources(message: HTMLElement, references: NodeListOf<HTMLElement>): ReadonlyMap<string, HTMLElement> {
  const list = [...message.querySelectorAll("ol")].at(-1);
  if (list === undefined || list.nextElementSibling !== null || list.parentElement?.closest("li, blockquote")) return new Map();
  const items = new Map([...list.children].map((item, index) => [String(list.start + index), item as HTMLElement]));
  const cited = new Set([...references].map((reference) => reference.getAttribute("to") ?? ""));
  const isSources = SOURCES.test(list.previousElementSibling?.textContent ?? "") || [...items.keys()].every((label) => cited.has(label));
  return isSources ? items : new Map();
}

function identify(element: HTMLElement, id: string): void {
  element.id = id;
  // The link to it moves the focus there.
  element.tabIndex = -1;
}

/** Makes the content of an element a link within the page. */
function lead(element: Element, id: string, title: string): void {
  let link = element.querySelector<HTMLAnchorElement>(":scope > a");
  if (link === null) {
    link = document.createElement("a");
    link.append(...element.childNodes);
    element.append(link);
  }
  link.href = `#${id}`;
  link.title = title;
}

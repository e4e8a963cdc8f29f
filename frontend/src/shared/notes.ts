// The references of a text lead to its notes and numbered sources, and these back to the first reference.

/** Links what `markdown-nodes.ts` has marked in a message: `[to]` refers to the last `[note]` of the same name. A reference
 * without a note stays text. Called again when the message has grown. */
export function linkNotes(message: HTMLElement): void {
  const references = message.querySelectorAll<HTMLElement>("[to]");
  if (references.length === 0) return;
  const notes = new Map<string | null, HTMLElement>();
  for (const note of message.querySelectorAll<HTMLElement>("[note]")) notes.set(note.getAttribute("note"), note);
  [...notes.values()].forEach((note, index) => identify(note, `${message.id}-note-${index + 1}`));
  const referred = new Set<HTMLElement>();
  references.forEach((reference, index) => {
    const note = notes.get(reference.getAttribute("to"));
    // A note may cite itself, and a link must not stand in a link.
    if (note === undefined || note.contains(reference) || reference.parentElement?.closest("a")) return;
    identify(reference, `${message.id}-reference-${index + 1}`);
    lead(reference, note.id, "To the note");
    const mark = note.firstElementChild;
    if (mark !== null && !referred.has(note)) lead(mark, reference.id, "Back to the text");
    referred.add(note);
  });
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

// Copying to the clipboard.

/** A click on a button copies the text of the element whose id its `data-copy` names. */
export function setUpCopyButtons(): void {
  document.addEventListener("click", async ({ target }) => {
    const button = target instanceof Element ? target.closest<HTMLElement>("[data-copy]") : null;
    const source = document.getElementById(button?.dataset["copy"] ?? "");
    if (button && source && (await copied(source))) button.textContent = "Copied";
  });
}

/** Copies the text of `source`. Without https, browsers have no clipboard API: the text is selected instead, so that
 * the keyboard can copy it. Returns whether the text was copied. */
async function copied(source: HTMLElement): Promise<boolean> {
  const isField = source instanceof HTMLTextAreaElement;
  try {
    await navigator.clipboard.writeText(isField ? source.value : (source.textContent ?? ""));
    return true;
  } catch {
    if (isField) source.select();
    else getSelection()?.selectAllChildren(source);
    return false;
  }
}

/** Copies a text, and says on the button for a moment whether that worked. */
export async function copyText(text: string, button: HTMLElement): Promise<void> {
  const label = button.dataset["label"] ?? button.textContent ?? "";
  button.dataset["label"] = label;
  button.textContent = (await written(text)) ? "Copied" : "Not copied";
  setTimeout(() => (button.textContent = label), SHOWN_MS);
}

const SHOWN_MS = 2_000;

async function written(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writtenByCommand(text);
  }
}

/** Copies where the page came without https, which has no clipboard API. */
function writtenByCommand(text: string): boolean {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.className = "sr-only";
  field.value = text;
  document.body.append(field);
  field.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    field.remove();
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }
}

/** After a form's response that shows something once, a reload opens the page instead of sending the form again. */
export function forgetSubmission(): void {
  const page = document.querySelector<HTMLElement>("[data-shown-once]")?.dataset["shownOnce"];
  if (page !== undefined) history.replaceState(null, "", page);
}

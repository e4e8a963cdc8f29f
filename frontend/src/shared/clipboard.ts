// Copying to the clipboard.

/** Copies the text of `source`. Without https, browsers have no clipboard API: the text is selected instead, so that
 * the keyboard can copy it. Returns whether the text was copied. */
export async function copyText(source: HTMLElement): Promise<boolean> {
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

/** Shows the copy buttons of a page, which do nothing without scripts; `data-copy` is the id of what a button copies. */
export function setUpCopyButtons(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-copy]")) {
    const source = document.getElementById(button.dataset["copy"] ?? "");
    if (source === null) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      if (await copyText(source)) button.textContent = "Copied";
    });
  }
}

/** After a form's response that shows something once, a reload opens the page instead of sending the form again. */
export function forgetSubmission(): void {
  const page = document.querySelector<HTMLElement>("[data-shown-once]")?.dataset["shownOnce"];
  if (page !== undefined) history.replaceState(null, "", page);
}

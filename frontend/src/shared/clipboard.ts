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

/** After a form's response that shows something once, a reload opens the page instead of sending the form again. */
export function forgetSubmission(): void {
  const page = document.querySelector<HTMLElement>("[data-shown-once]")?.dataset["shownOnce"];
  if (page !== undefined) history.replaceState(null, "", page);
}

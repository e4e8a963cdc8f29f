// Ways for files and texts to come into a new debate: chosen, dropped onto the page, pasted into the box.

import { isSource } from "./composer.ts";

type Receiver = { readonly files: (files: Iterable<File>) => void; readonly source: (text: string) => void };

/** Listens at the form and, for dropped files, at the whole page. */
export function receive(form: HTMLFormElement, box: HTMLElement, { files, source }: Receiver): void {
  const chooser = form.querySelector<HTMLInputElement>("[data-files]");
  form.querySelector("[data-add-sources]")?.addEventListener("click", () => chooser?.click());
  const take = (): void => {
    if (!chooser?.files?.length) return;
    files(chooser.files);
    chooser.value = "";
  };
  chooser?.addEventListener("change", take);
  // What was chosen before this script had loaded.
  take();
  box.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const pasted = [...(event.clipboardData?.files ?? [])];
    // Office programs put a picture of the text beside it.
    if (text === "" && pasted.length > 0) files(pasted);
    else if (isSource(text)) source(text.trim());
    else return;
    event.preventDefault();
  });
  receiveDropped(form, files);
}

function receiveDropped(form: HTMLFormElement, files: Receiver["files"]): void {
  const hasFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes("Files") ?? false;
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    form.toggleAttribute("data-dragged-over", true);
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (relatedTarget === null) form.toggleAttribute("data-dragged-over", false);
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    form.toggleAttribute("data-dragged-over", false);
    files(event.dataTransfer?.files ?? []);
  });
}

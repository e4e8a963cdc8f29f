// Data that the server puts into a page for one of its elements.

/** Reads the JSON of the script that `data-from` names, and removes what the element held for readers without
 * scripts. */
export function pageData<Data>(element: HTMLElement): Data {
  const source = document.getElementById(element.dataset["from"] ?? "");
  element.replaceChildren();
  return JSON.parse(source?.textContent ?? "null");
}

// What stands beside the box of a new debate: pasted texts, files and tables.

import { type TemplateResult, html, nothing } from "lit";
import type { Pasted } from "./composer.ts";
import { datasetTemplate } from "./dataset-chip.ts";
import type { Item, Sources } from "./sources.ts";
import { characterCount, thousands } from "../shared/format.ts";

type FileItem = Exclude<Item, { state: "table" }>;

export function chipsTemplate(pasted: readonly Pasted[], removePasted: (pasted: Pasted) => void, sources: Sources): TemplateResult {
  return html`${pasted.map((each) => pastedTemplate(each, () => removePasted(each)))}
  ${sources.items.map(([key, item]) => {
    const remove = (): void => sources.remove(key);
    if (item.state !== "table") return itemTemplate(item, remove);
    return datasetTemplate(item, removeTemplate(item.dataset.name, remove), {
      read: (reading) => void sources.read(key, reading),
      askToDelete: () => void sources.askToDelete(key),
      keep: () => sources.keep(key),
      delete: () => void sources.delete(key),
    });
  })}`;
}

function pastedTemplate(pasted: Pasted, remove: () => void): TemplateResult {
  return html`<li class="chip" data-state="ready" data-testid="source">
    <details>
      <summary><span class="name">${pasted.name}</span> <span class="quiet">${size(characterCount(pasted.text))}</span></summary>
      <div class="excerpt" dir="auto" tabindex="0">${pasted.text}</div>
    </details>
    ${removeTemplate(pasted.name, remove)}
  </li>`;
}

function itemTemplate(item: FileItem, remove: () => void): TemplateResult {
  const name = item.state === "ready" ? item.source.name : item.name;
  return html`<li class="chip" data-state=${item.state} data-testid="source" aria-busy=${item.state === "uploading"}>
    <span class="name" dir="auto" title=${name}>${name}</span> ${stateTemplate(item)} ${removeTemplate(name, remove)}
  </li>`;
}

function stateTemplate(item: FileItem): TemplateResult {
  switch (item.state) {
    case "ready": {
      const { pages, characters } = item.source;
      return html`<span class="quiet">${pages === null ? nothing : `${pages === 1 ? "1 page" : `${thousands(pages)} pages`}, `}${size(characters)}</span>`;
    }
    case "uploading":
      return html`<progress max="1" .value=${item.progress} aria-label="Uploading"></progress>`;
    case "refused":
      return html`<span class="field-error" role="alert">${item.problem}</span>`;
  }
}

function removeTemplate(name: string, remove: () => void): TemplateResult {
  return html`<button type="button" class="remove" aria-label="Remove ${name}" @click=${remove}>
    <svg viewBox="0 0 16 16" width="14" height="14" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" aria-hidden="true">
      <path d="m4 4 8 8m0-8-8 8" />
    </svg>
  </button>`;
}

function size(characters: number): string {
  return characters === 1 ? "1 character" : `${thousands(characters)} characters`;
}

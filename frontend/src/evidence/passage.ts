// Finds the sentence of a source that an item of the record comes from.

import type { Source } from "../client/page-data.ts";
import type { Item } from "../protocol/events.gen.ts";

/** A sentence with what stands around it in its source; `url` has the whole text, or is empty. */
export type Passage = { readonly name: string; readonly before: string; readonly sentence: string; readonly after: string; readonly url: string };

/** Characters shown on each side of the sentence: about a page. */
const AROUND = 2_500;

export function sourcesOf({ quality, source, label }: Item, sources: readonly Source[]): readonly Source[] {
  return quality === "user" && label !== "" ? sources.filter(({ cited }) => cited === source) : [];
}

/** The passage in the first of these sources that has the item's sentence, or null. Never rejects. */
export async function passageIn(sources: readonly Source[], { label }: Item): Promise<Passage | null> {
  for (const { name, text, url } of sources) {
    const whole = text ?? (await loaded(url));
    const at = whole.indexOf(label);
    if (at === -1) continue;
    const end = at + label.length;
    return { name, before: whole.slice(Math.max(0, at - AROUND), at), sentence: label, after: whole.slice(end, end + AROUND), url };
  }
  return null;
}

async function loaded(url: string): Promise<string> {
  try {
    const answer = await fetch(url, { credentials: "same-origin" });
    return answer.ok ? await answer.text() : "";
  } catch {
    return "";
  }
}

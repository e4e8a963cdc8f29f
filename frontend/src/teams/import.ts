// Imports a team from a file of JSON, and opens it.

import { fieldWords } from "./problems.ts";
import { create } from "./teams-api.ts";

/** Above any team: 8 agents with 4,000 characters of instructions each. */
const MAX_BYTES = 500_000;

export function setUpImport(page: HTMLElement): void {
  const button = page.querySelector<HTMLButtonElement>("[data-import]");
  const input = page.querySelector<HTMLInputElement>("[data-import-file]");
  const problem = page.querySelector<HTMLElement>("[data-import-problem]");
  if (!button || !input || !problem) return;
  button.hidden = false;
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", async () => {
    const [file] = input.files ?? [];
    // The same file may be chosen again.
    input.value = "";
    if (file === undefined) return;
    const answer = await imported(file);
    if ("id" in answer) return location.assign(`${location.pathname}${answer.id}/`);
    problem.replaceChildren(...answer.sentences.map(paragraph));
    problem.hidden = false;
  });
}

/** The id of the team that was made from the file, or why there is none. */
async function imported(file: File): Promise<{ readonly id: string } | { readonly sentences: readonly string[] }> {
  const bad = (sentence: string) => ({ sentences: [`${file.name} was not imported. ${sentence}`.trim()] });
  if (file.size > MAX_BYTES) return bad("It is larger than 500 kB.");
  let team: unknown;
  try {
    team = JSON.parse(await file.text());
  } catch {
    return bad("It is not JSON.");
  }
  if (typeof team !== "object" || team === null || Array.isArray(team)) return bad("It is not a team.");
  const outcome = await create(team);
  if (outcome.problem === null) return { id: outcome.body.id };
  if (outcome.errors.length === 0) return bad(outcome.problem);
  return { sentences: [...bad("").sentences, ...outcome.errors.map(({ field, message }) => `${fieldWords(field)}: ${message}`)] };
}

function paragraph(sentence: string): HTMLElement {
  const line = document.createElement("p");
  line.dir = "auto";
  line.textContent = sentence;
  return line;
}

// What the server says about the fields of a team.

import { capitalised } from "../shared/format.ts";
import type { FieldError } from "../shared/http.ts";

/** Sentences by field: `rounds`, `judge.model`, and `agents.7.name` for the agent whose key is 7, wherever it stands. */
export type Problems = ReadonlyMap<string, string>;

/** The server names agents by their positions; `keys` are those of the team that it was sent. */
export function byField(errors: readonly FieldError[], keys: readonly number[]): Problems {
  const found = new Map<string, string>();
  for (const { field, message } of errors) {
    const name = field.replace(/^agents\.(\d+)/, (_, position: string) => `agents.${keys[Number(position)] ?? position}`);
    // What is wrong with one of several tools belongs to their field.
    const place = name.replace(/(\.tools|\.judge)\..*$/, "$1");
    found.set(place, [found.get(place), message].filter(Boolean).join(" "));
  }
  return found;
}

/** The problems without those of agents that are gone. */
export function ofAgents(problems: Problems, keys: readonly number[]): Problems {
  const isThere = (field: string): boolean => {
    const [, key] = /^agents\.(\d+)/.exec(field) ?? [];
    return key === undefined || keys.includes(Number(key));
  };
  return new Map([...problems].filter(([field]) => isThere(field)));
}

/** What the editor has fields for. */
const FIELDS = /^(name|description|rounds|agents|judge|judge\.model|agents\.\d+\.(name|role|instructions|model|temperature|tools))$/;

/** The problems for which there is no field, each as a sentence that names it; `keys` are those of the agents. */
export function withoutField(problems: Problems, keys: readonly number[]): string[] {
  const positioned = (field: string): string =>
    field.replace(/^agents\.(\d+)/, (_, key: string) => `agents.${keys.indexOf(Number(key))}`);
  return [...problems].filter(([field]) => !FIELDS.test(field)).map(([field, message]) => `${fieldWords(positioned(field))}: ${message}`);
}

/** A field's name for a person, such as "Agent 2, instructions". */
export function fieldWords(field: string): string {
  const [, position, part] = /^agents\.(\d+)(?:\.(.+))?$/.exec(field) ?? [];
  if (position === undefined) return field === "body" ? "File" : capitalised(field.replaceAll(".", ", "));
  const agent = `Agent ${Number(position) + 1}`;
  return part === undefined ? agent : `${agent}, ${part.replaceAll(".", ", ")}`;
}

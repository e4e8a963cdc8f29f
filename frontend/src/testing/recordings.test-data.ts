// The recordings that this fold and the server's have to agree on.

import type { LogEvent, State } from "../protocol/state.ts";

export type Recording = { events: LogEvent[]; state: State };

const files = import.meta.glob<Recording>("../../../tests/recordings/*.json", { eager: true, import: "default" });

export const recordings = Object.entries(files).map(([path, recording]): [string, Recording] => [
  path.replace(/^.*\/|\.json$/g, ""),
  recording,
]);

export function recorded(name: string): Recording {
  const found = recordings.find(([candidate]) => candidate === name);
  if (found === undefined) throw new Error(`no recording ${name}`);
  return found[1];
}

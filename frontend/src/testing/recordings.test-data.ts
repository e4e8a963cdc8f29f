// Recorded debates, on whose state this reducer and the server's have to agree.

import type { LogEvent, State, Transcript } from "../protocol/state.ts";

export type Recording = { events: LogEvent[]; state: Transcript };

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

/** The part of the state that the server has, too. */
export function transcriptOf({ entries, startedAt, endedAt, acceptedKeys, ...transcript }: State): Transcript {
  return transcript;
}

// Recorded debates, on whose state this reducer and the server's have to agree.

import type { LogEvent, State, Transcript } from "../protocol/state.ts";

export type Recording = { events: LogEvent[]; state: Transcript };

const files = import.meta.glob<string>("../../../tests/recordings/*.jsonl", {
  eager: true,
  query: "?raw",
  import: "default",
});

export const recordings = Object.entries(files).map(([path, text]): [string, Recording] => [
  path.replace(/^.*\/|\.jsonl$/g, ""),
  read(text),
]);

// A frame a line, and the state on the last.
function read(text: string): Recording {
  const lines = text.trimEnd().split("\n").map((line): unknown => JSON.parse(line));
  const { state } = lines.pop() as { state: State };
  return { events: lines as LogEvent[], state };
}

export function recorded(name: string): Recording {
  const found = recordings.find(([candidate]) => candidate === name);
  if (found === undefined) throw new Error(`no recording ${name}`);
  return found[1];
}

/** The part of the state that the server has, too. */
export function transcriptOf({ entries, startedAt, endedAt, ...transcript }: State): Transcript {
  return transcript;
}

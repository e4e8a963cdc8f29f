// The rooms of the front end, and the only direction in which they may import each other.

import { expect, test } from "vitest";

type Room = { readonly purpose: string; readonly imports: readonly string[] };

/** `imports` names the nearest rooms below; what those may import, the room may import too. */
const ROOMS: Readonly<Record<string, Room>> = {
  protocol: { purpose: "Frames of the server, and the state that they add up to.", imports: [] },
  shared: { purpose: "Formatting, Markdown, HTTP and page furniture, of use to every page.", imports: [] },
  client: { purpose: "One conversation over a WebSocket: reconnecting, commands, acks.", imports: ["protocol", "shared"] },
  attention: { purpose: "Where the reader is, and what was missed.", imports: ["protocol", "shared"] },
  dashboard: { purpose: "The start form.", imports: ["shared"] },
  history: { purpose: "The sidebar with a person's debates.", imports: ["protocol", "shared"] },
  teams: { purpose: "Teams that people compose.", imports: ["shared"] },
  status: { purpose: "The panel beside a debate: status, controls, usage, limits.", imports: ["client"] },
  monitor: { purpose: "The operators' page.", imports: ["client"] },
  evidence: { purpose: "The record of a debate, and how its figures stand to it.", imports: ["client"] },
  transcript: { purpose: "The debate as it is read.", imports: ["status", "attention", "evidence"] },
  debate: { purpose: "The element that draws one debate, and its session.", imports: ["transcript"] },
  pages: { purpose: "One entry for each page of the site.", imports: ["debate", "monitor", "dashboard", "history", "teams"] },
  testing: { purpose: "Recordings and fakes, for tests only.", imports: ["client"] },
};

const sources = import.meta.glob<string>("./*/*.ts", { eager: true, query: "?raw", import: "default" });

function reachable(room: string): Set<string> {
  const below = ROOMS[room]?.imports ?? [];
  return new Set([room, ...below.flatMap((other) => [...reachable(other)])]);
}

/** Every import of one of our TypeScript files by another: the file, its room, the room it imports. */
function arrows(): { file: string; from: string; to: string }[] {
  return Object.entries(sources).flatMap(([file, source]) => {
    const from = file.split("/")[1] ?? "";
    return [...source.matchAll(/(?:from|import) "(\.{1,2})\/(?:([^"/]+)\/)?[^"/]+\.ts"/g)].map(
      ([, dots, folder]) => ({ file, from, to: dots === "." ? from : (folder ?? "") }),
    );
  });
}

test("every folder is a room, and every room exists", () => {
  const folders = new Set(Object.keys(sources).map((file) => file.split("/")[1]));
  expect([...folders].sort()).toEqual(Object.keys(ROOMS).sort());
});

test("rooms import only the rooms below them", () => {
  const all = arrows();
  expect(all.length).toBeGreaterThan(100);
  const wrong = all.filter(({ file, from, to }) => {
    const isTest = file.includes(".test.");
    return !reachable(from).has(to) && !(isTest && to === "testing");
  });
  expect(wrong).toEqual([]);
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { setUpImport } from "./import.ts";

let sent: unknown[];
let page: HTMLElement;

const problem = (): string[] => [...page.querySelectorAll("[data-import-problem] p")].map(({ textContent }) => textContent ?? "");

async function choose(text: string): Promise<void> {
  const input = page.querySelector("input")!;
  Object.defineProperty(input, "files", { value: [new File([text], "team.json")], configurable: true });
  input.dispatchEvent(new Event("change"));
  await vi.waitFor(() => expect(problem()).not.toEqual([]));
}

beforeEach(() => {
  sent = [];
  const errors = [
    { field: "agents.1.name", rule: "reserved", message: "<b>Moderator</b> passes for the site." },
    { field: "agents.0.shoes", rule: "extra_forbidden", message: "This field does not exist; remove it." },
  ];
  vi.stubGlobal("fetch", async (_: string, { body }: { body: string }) => {
    sent.push(JSON.parse(body));
    return Response.json({ code: "invalid", message: "", errors }, { status: 422 });
  });
  document.body.innerHTML = `<div class="teams"><button data-import hidden></button><input data-import-file>
    <div data-import-problem hidden></div></div>`;
  page = document.querySelector(".teams")!;
  setUpImport(page);
});
afterEach(() => vi.unstubAllGlobals());

test("a file that the server refuses is explained field by field, as text", async () => {
  await choose('{"name": "Board", "agents": [{"shoes": 1}, {"name": "Moderator"}]}');
  expect(sent).toEqual([{ name: "Board", agents: [{ shoes: 1 }, { name: "Moderator" }] }]);
  expect(problem()).toEqual([
    "team.json was not imported.",
    "Agent 2, name: <b>Moderator</b> passes for the site.",
    "Agent 1, shoes: This field does not exist; remove it.",
  ]);
  expect(page.querySelector("b")).toBeNull();
});

test.each([
  ["no JSON", "team.json was not imported. It is not JSON."],
  ["[1]", "team.json was not imported. It is not a team."],
  [`"${"x".repeat(500_000)}"`, "team.json was not imported. It is larger than 500 kB."],
])("a file that is no team is not sent", async (text, sentence) => {
  await choose(text);
  expect([sent, problem()]).toEqual([[], [sentence]]);
});

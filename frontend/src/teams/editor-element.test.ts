import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import "./editor-element.ts";
import type { TeamEditorElement } from "./editor-element.ts";
import type { Saved, Team } from "./team.ts";

const OPTIONS = {
  models: ["openai:gpt-5-mini", "ollama:llama3.2"],
  default_model: "openai:gpt-5-mini",
  tools: [{ name: "calculate", description: "Exact sums." }],
  limits: { agents: 3, rounds: 6, instructions: 4000, temperature: 2 },
};
const agent = (name: string) => ({ name, color: null, role: "", instructions: `Be ${name}.`, model: null, temperature: null, streaming: true, tools: [] });
const TEAM: Team = { name: "Committee", description: "", rounds: 2, agents: [agent("Value"), agent("Growth")], judge: { model: null } };
const stored = (version: number, panel: Team): Saved => ({
  id: "t1",
  version,
  newest_version: version,
  changed_at: "2026-12-01T20:50:00Z",
  panel,
  versions: Array.from({ length: version }, (_, index) => ({ version: version - index, created_at: "2026-12-01T20:50:00Z" })),
});

type Sent = { readonly method: string; readonly url: string; readonly body: Team };

let sent: Sent[];
/** The server: what it answers to everything but a check, and the errors that it finds. */
let answer: (request: Sent) => Response;
let errors: { field: string; rule: string; message: string }[];
let editor: TeamEditorElement;

const refused = (): Response => Response.json({ code: "invalid", message: "", errors }, { status: 422 });
const all = <T extends HTMLElement>(selector: string): T[] => [...editor.querySelectorAll<T>(selector)];
const one = <T extends HTMLElement>(selector: string): T => editor.querySelector<T>(selector)!;
const byTest = (id: string): HTMLElement => one(`[data-testid=${id}]`);
const saves = (): Sent[] => sent.filter(({ url }) => !url.endsWith("check"));
const names = (): string[] => all(".agent-toggle .name").map(({ textContent }) => textContent ?? "");
const error = (field: string): string => one(`[data-field="${field}"] .field-error`).textContent ?? "";
const state = (): string => byTest("save-state").textContent ?? "";

async function open(saved: Saved | null = stored(1, TEAM)): Promise<void> {
  const data = { user: 7, saved, template: null, options: OPTIONS, teamsUrl: "/teams/", startUrl: "/dashboard?panel=" };
  document.body.innerHTML = `<input type="hidden" name="csrfmiddlewaretoken" value="t0ken"><script type="application/json" id="team"></script>`;
  document.getElementById("team")!.textContent = JSON.stringify(data);
  editor = document.createElement("outcry-team-editor") as TeamEditorElement;
  editor.dataset["from"] = "team";
  document.body.append(editor);
  await editor.updateComplete;
}

async function press(element: HTMLElement): Promise<void> {
  element.click();
  await editor.updateComplete;
  await editor.updateComplete;
}

async function write(element: HTMLInputElement, value: string): Promise<void> {
  element.value = value;
  element.dispatchEvent(new Event("input", { bubbles: true }));
  await editor.updateComplete;
}

/** Presses Save, and waits until the page shows what became of it. */
async function save(): Promise<void> {
  one<HTMLFormElement>("form.team-form").requestSubmit();
  await editor.updateComplete;
  await vi.waitFor(() => expect(state()).not.toBe("Saving"));
  await editor.updateComplete;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  sent = [];
  errors = [];
  answer = ({ body }) => (errors.length > 0 ? refused() : Response.json(stored(2, body)));
  vi.stubGlobal("fetch", async (url: string, { method, body }: { method: string; body: string }) => {
    const request = { method, url, body: JSON.parse(body ?? "null") as Team };
    sent.push(request);
    if (url.endsWith("check")) return errors.length > 0 ? refused() : new Response(null, { status: 204 });
    return answer(request);
  });
  localStorage.clear();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

describe("agents", () => {
  test("move, and keep the focus and the colours in which they were shown", async () => {
    await open();
    const [, growth] = all(".agent-card");
    const up = growth!.querySelector<HTMLElement>("[data-action=up]")!;
    up.focus();
    await press(up);
    expect(names()).toEqual(["Growth", "Value"]);
    expect(document.activeElement).toBe(up);
    expect(all(".agent-card").map(({ dataset }) => dataset["color"])).toEqual(["1", "0"]);
    expect(state()).toBe("Growth speaks as number 1 of 2");
    await press(up);
    expect(names()).toEqual(["Growth", "Value"]);
  });

  test("are added in a free colour with the focus in the name, up to the limit", async () => {
    await open();
    await press(byTest("add-agent"));
    expect(all(".agent-card").at(-1)?.dataset["color"]).toBe("2");
    expect(document.activeElement?.closest("[data-field]")?.getAttribute("data-field")).toMatch(/^agents\.\d+\.name$/);
    await press(byTest("add-agent"));
    expect(names()).toEqual(["Value", "Growth", "Agent 3"]);
  });

  test("come back after they were removed", async () => {
    await open();
    await press(one("[data-action=remove]"));
    expect(names()).toEqual(["Growth"]);
    await press(one("[data-action=remove]"));
    expect(names()).toEqual(["Growth"]);
    await press(byTest("undo"));
    expect(names()).toEqual(["Value", "Growth"]);
  });
});

describe("what the server says", () => {
  beforeEach(async () => {
    await open();
    await press(one(".agent-toggle"));
    errors = [
      { field: "agents.0.name", rule: "reserved", message: "Choose another name." },
      { field: "agents.1.instructions", rule: "missing", message: "This field is required." },
    ];
  });

  test("stands at a field once the person has left it, and moves with its agent", async () => {
    const name = one<HTMLInputElement>(".agent-body input");
    const field = name.closest<HTMLElement>("[data-field]")!.dataset["field"]!;
    name.focus();
    await write(name, "Moderator");
    await vi.advanceTimersByTimeAsync(1000);
    expect(error(field)).toBe("");
    name.blur();
    await editor.updateComplete;
    expect(error(field)).toBe("Choose another name.");
    expect(name.getAttribute("aria-invalid")).toBe("true");
    await press(all("[data-action=down]")[0]!);
    expect(names()).toEqual(["Growth", "Moderator"]);
    expect(error(field)).toBe("Choose another name.");
  });

  test("opens every card that has an error after a failed save, and nothing is lost", async () => {
    await write(one<HTMLInputElement>(".agent-body input"), "Moderator");
    await save();
    expect(all(".agent-body:not([hidden])")).toHaveLength(2);
    expect(all(".agent-card .field-error:not([hidden])").map(({ textContent }) => textContent)).toEqual(["Choose another name.", "This field is required."]);
    expect(document.activeElement).toBe(one(".agent-body input"));
    expect(state()).toBe("2 fields need a change");
    expect(names()).toEqual(["Moderator", "Growth"]);
  });

  test("about something that has no field stands above the buttons", async () => {
    errors = [{ field: "agents.1.shoes", rule: "extra_forbidden", message: "This field does not exist; remove it." }];
    await save();
    expect(byTest("team-problem").textContent).toContain("Agent 2, shoes: This field does not exist; remove it.");
  });
});

test("a failed save and a reload lose nothing", async () => {
  answer = () => Response.json({}, { status: 503 });
  await open();
  await write(one("[data-field=name] input"), "Board");
  await save();
  expect(byTest("team-problem").textContent).toContain("The server answered with an error (503)");
  await open();
  expect(one<HTMLInputElement>("[data-field=name] input").value).toBe("Board");
  expect(state()).toBe("Your unsaved changes are back");
  await press(byTest("discard"));
  expect(one<HTMLInputElement>("[data-field=name] input").value).toBe("Committee");
  await press(byTest("undo"));
  expect(one<HTMLInputElement>("[data-field=name] input").value).toBe("Board");
});

test("a save sends the version that was edited, and the draft is gone", async () => {
  const { agents, ...team } = TEAM;
  await open(stored(1, { ...team, agents }));
  expect(state()).toBe("Saved as version 1");
  await write(one("[data-field=rounds] input"), "many");
  await save();
  expect(saves()).toMatchObject([{ method: "PUT", url: "/api/panels/t1/?version=1", body: { ...TEAM, rounds: "many" } }]);
  expect(state()).toBe("Saved as version 2");
  expect(localStorage.length).toBe(0);
});

test("a version that was saved elsewhere is replaced only on request", async () => {
  answer = ({ url, body }) =>
    url.includes("version=") ? Response.json({ code: "outdated", message: "There is a newer version." }, { status: 409 }) : Response.json(stored(3, body));
  await open();
  await write(one("[data-field=name] input"), "Board");
  await save();
  const problem = byTest("team-problem");
  expect(problem.textContent).toContain("A newer version of this team was saved elsewhere.");
  await press(problem.querySelector("button")!);
  await vi.waitFor(() => expect(state()).toBe("Saved as version 3"));
  expect(saves().at(-1)).toMatchObject({ url: "/api/panels/t1/", body: { name: "Board" } });
});

test("versions say what they changed, and one of them can be edited again", async () => {
  const newer: Team = { ...TEAM, rounds: 3, agents: [{ ...TEAM.agents[1]!, instructions: "Grow." }, agent("Macro")], judge: null };
  answer = ({ url }) => Response.json(url.endsWith("/versions/1/") ? stored(1, TEAM) : {});
  await open(stored(2, newer));
  const versions = one<HTMLDetailsElement>("[data-testid=versions]");
  versions.open = true;
  versions.dispatchEvent(new Event("toggle"));
  await vi.waitFor(() => expect(versions.querySelectorAll(".what")).toHaveLength(6));
  expect([...versions.querySelectorAll(".what")].map(({ textContent }) => textContent)).toEqual([
    "Team: rounds",
    "Judge",
    "Growth: instructions, colour",
    "Macro added",
    "Value removed",
    "Created",
  ]);
  await press(versions.querySelector("button")!);
  expect(names()).toEqual(["Value", "Growth"]);
});

test("names and texts of strangers stay text", async () => {
  await open(stored(1, { ...TEAM, name: "<img src=x onerror=alert(1)>", agents: [agent("<b>Value</b>")] }));
  expect(editor.querySelector("img, b")).toBeNull();
  expect(names()).toEqual(["<b>Value</b>"]);
});

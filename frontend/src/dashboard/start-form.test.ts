import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Estimate, leftSentence, priceSentence } from "./estimate.ts";
import { setUpStartForm } from "./start-form.ts";

const FIELDS = ["max_usd", "max_tokens", "max_seconds"];
const ESTIMATE: Estimate = {
  provider: "openai:gpt-5-mini",
  usd: { low: 0.002, high: 0.006 },
  tokens: { low: 3_400, high: 9_200 },
  left: { usd: null, tokens: null, seconds: null },
};

let form: HTMLFormElement;
let sent: { url: string; body: Record<string, unknown>; headers: Record<string, string> }[];

/** What the server answers: to an estimate, and to a start. */
function serve(estimate: () => Promise<Response>, start = (): Response => Response.json({}, { status: 500 })): void {
  vi.stubGlobal("fetch", async (url: string, { body, headers }: { body: string; headers: Record<string, string> }) => {
    sent.push({ url, body: JSON.parse(body), headers });
    return url.endsWith("/estimate") ? estimate() : start();
  });
}

const estimates = (): Record<string, unknown>[] => sent.flatMap(({ url, body }) => (url === "/estimate" ? [body] : []));
const starts = (): Record<string, unknown>[] => sent.flatMap(({ url, body }) => (url === "/start" ? [body] : []));
const price = (): string => form.querySelector(".price")?.textContent ?? "";
const error = (field: string): string => form.querySelector(`[data-field="${field}"] .field-error`)?.textContent ?? "";
const folded = (): boolean => !form.querySelector("details")?.open;

function write(name: string, value: string): void {
  const field = form.elements.namedItem(name) as HTMLInputElement;
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

async function submit(): Promise<void> {
  form.requestSubmit();
  await vi.waitFor(() => expect(form.querySelector<HTMLButtonElement>("[type=submit]")?.disabled).toBe(false));
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  sent = [];
  const limit = (name: string): string => `<div data-field="${name}"><input type="number" name="${name}"
    ${name === "max_seconds" ? 'max="60"' : ""}><p class="field-error" hidden></p></div>`;
  document.body.innerHTML = `<form data-api="/start" novalidate>
    <input type="hidden" name="csrfmiddlewaretoken" value="t0ken"><p data-form-error hidden></p>
    <div data-field="topic"><textarea name="topic"></textarea><p class="field-error" hidden></p></div>
    <textarea name="content"></textarea><input name="content_type" value="text"><input name="panel" value="p">
    <input name="rounds" value="2"><details><summary><span data-limits-set></span></summary>${FIELDS.map(limit).join("")}</details>
    <button type="submit"></button><p data-estimate="/estimate"><span class="price"></span><span class="left-today"></span></p></form>`;
  form = document.querySelector("form")!;
  serve(async () => Response.json(ESTIMATE));
  setUpStartForm(form);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

test("the start sends the age of its click, the estimate does not", async () => {
  vi.useRealTimers();
  write("topic", "Is it a buy?");
  await vi.waitFor(() => expect(estimates()).toHaveLength(1));
  await submit();
  const clicked = (path: string): string | undefined => sent.find(({ url }) => url === path)?.headers["X-Clicked-Ms-Ago"];
  expect(clicked("/estimate")).toBeUndefined();
  expect(clicked("/start")).toMatch(/^\d+\.\d$/);
});

describe("limits", () => {
  test("that are empty are not sent", async () => {
    write("topic", "Is it a buy?");
    vi.useRealTimers();
    await submit();
    expect(starts()).toEqual([{ topic: "Is it a buy?", content: "", content_type: "text", panel: "p", rounds: 2 }]);
  });

  test("are sent in the server's units, and shown beside the title", async () => {
    write("topic", "Is it a buy?");
    write("max_usd", "0.5");
    write("max_tokens", "20000");
    write("max_seconds", "1.5");
    expect(form.querySelector("[data-limits-set]")?.textContent).toBe("$0.50, 20,000 tokens, 1.5 minutes");
    vi.useRealTimers();
    await submit();
    expect(starts()[0]).toMatchObject({ max_usd: 0.5, max_tokens: 20_000, max_seconds: 90 });
  });

  test.each([
    ["max_seconds", "61", "At most 60 minutes here."],
    ["max_usd", "0", "Write more than 0."],
    ["max_tokens", "1.5", "Write a whole number."],
  ])("%s of %s is not sent, and the section opens", (name, value, expected) => {
    write("topic", "Is it a buy?");
    write(name, value);
    expect(folded()).toBe(true);
    form.requestSubmit();
    expect(error(name)).toBe(expected);
    expect(folded()).toBe(false);
    expect(starts()).toEqual([]);
  });

  test("that the server refuses are shown beside their field", async () => {
    const errors = [{ field: "max_usd", rule: "less_than_equal", message: "Enter 2 or less." }];
    serve(async () => Response.json(ESTIMATE), () => Response.json({ code: "invalid", errors }, { status: 422 }));
    write("topic", "Is it a buy?");
    write("max_usd", "5");
    vi.useRealTimers();
    await submit();
    expect(error("max_usd")).toBe("Enter 2 or less.");
    expect(folded()).toBe(false);
  });
});

test("a refusal shows how long to wait", async () => {
  const refused = { code: "limit_reached", message: "You have 5 debates running." };
  serve(async () => Response.json(ESTIMATE), () => Response.json(refused, { status: 429, headers: { "Retry-After": "130" } }));
  write("topic", "Is it a buy?");
  vi.useRealTimers();
  await submit();
  expect(form.querySelector("[data-form-error]")?.textContent).toBe("You have 5 debates running. Try again in 3 minutes.");
});

describe("the estimate", () => {
  test("is requested after a pause in typing, for the whole form", async () => {
    write("topic", "Is it");
    await vi.advanceTimersByTimeAsync(300);
    write("topic", "Is it a buy?");
    write("max_usd", "0.5");
    await vi.advanceTimersByTimeAsync(399);
    expect(estimates()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(estimates()).toMatchObject([{ topic: "Is it a buy?", rounds: 2, max_usd: 0.5 }]);
    await vi.waitFor(() => expect(price()).toBe("gpt-5-mini: about $0.002–$0.006 · about 3,400–9,200 tokens"));
  });

  test("is not requested without a question", async () => {
    write("rounds", "3");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(estimates()).toEqual([]);
  });

  test("that fails removes the old one", async () => {
    write("topic", "Is it a buy?");
    await vi.advanceTimersByTimeAsync(400);
    await vi.waitFor(() => expect(price()).not.toBe(""));
    serve(async () => Response.json({ code: "log_unavailable", message: "No." }, { status: 503 }));
    write("rounds", "3");
    await vi.advanceTimersByTimeAsync(400);
    await vi.waitFor(() => expect(price()).toBe(""));
  });

  test("of an older form does not replace a newer one", async () => {
    let late: (response: Response) => void = () => {};
    serve(() => new Promise((resolve) => (late = resolve)));
    write("topic", "Is it a buy?");
    await vi.advanceTimersByTimeAsync(400);
    serve(async () => Response.json({ ...ESTIMATE, usd: { low: 0, high: 0 }, provider: "local" }));
    write("rounds", "3");
    await vi.advanceTimersByTimeAsync(400);
    await vi.waitFor(() => expect(price()).toBe("Runs on this server, no charge · about 3,400–9,200 tokens"));
    late(Response.json(ESTIMATE));
    await vi.advanceTimersByTimeAsync(0);
    expect(price()).toMatch(/^Runs on this server/);
  });

  test.each([
    [{ low: 0.002, high: 0.006 }, "openai:gpt-5-mini", "gpt-5-mini: about $0.002–$0.006 · about 3,400–9,200 tokens"],
    [{ low: 0.002, high: 0.002 }, "openai:gpt-5-mini", "gpt-5-mini: about $0.002 · about 3,400–9,200 tokens"],
    [null, "openai-compatible:gpt-4o-mini", "gpt-4o-mini: no price set · about 3,400–9,200 tokens"],
    [{ low: 0, high: 0 }, "ollama:llama3.2:1b", "llama3.2:1b: no charge · about 3,400–9,200 tokens"],
    [{ low: 0, high: 0 }, "demo", "Scripted demo, no charge"],
  ])("of %o with %s is put in words", (usd, provider, words) => {
    expect(priceSentence({ ...ESTIMATE, usd, provider })).toBe(words);
  });

  test("shows what is left today", () => {
    expect(leftSentence(ESTIMATE)).toBe("");
    const left = { usd: 0.84, tokens: 20_000, seconds: 0 };
    expect(leftSentence({ ...ESTIMATE, left })).toBe("Left for you today: $0.84, 20,000 tokens, no time.");
  });
});

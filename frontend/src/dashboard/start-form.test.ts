import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Estimate, leftText, priceText } from "../shared/estimate.ts";
import { readingText } from "./reading.ts";
import { StartForm } from "./start-form.ts";

const LIMITS = ["max_usd", "max_tokens", "max_seconds"];
const ESTIMATE: Estimate = {
  topic: "The margin fell.",
  provider: "openai:gpt-5-mini",
  usd: { low: 0.002, high: 0.006 },
  tokens: { low: 3_400, high: 9_200 },
  left: { usd: null, tokens: null, seconds: null },
};
const LONG = "The margin fell. ".repeat(40);
const DRAFT = "outcry:draft:7";

let form: HTMLFormElement;
/** A new one for each test: the form of an earlier test may still ask for an estimate. */
let api = "/start/0/";
let sent: { url: string; body: Record<string, unknown>; headers: Record<string, string> }[];

/** What the server answers: to an estimate, and to a start. */
function serve(estimate: () => Promise<Response>, start = (): Response => Response.json({}, { status: 500 })): void {
  vi.stubGlobal("fetch", async (url: string, { body, headers }: { body: string; headers: Record<string, string> }) => {
    sent.push({ url, body: JSON.parse(body), headers });
    return url.endsWith("estimate") ? estimate() : start();
  });
}

const bodies = (url: string): Record<string, unknown>[] => sent.flatMap((each) => (each.url === url ? [each.body] : []));
const estimates = (): Record<string, unknown>[] => bodies(`${api}estimate`);
const starts = (): Record<string, unknown>[] => bodies(api);
const text = (selector: string): string => form.querySelector(selector)?.textContent ?? "";
const error = (field: string): string => text(`[data-field="${field}"] .field-error`);
const folded = (): boolean => !form.querySelector("details")?.open;
const value = (name: string): string => (form.elements.namedItem(name) as HTMLInputElement).value;
const chips = (): string[] => [...form.querySelectorAll(".chip .name")].map((name) => name.textContent ?? "");
const question = (): HTMLElement => form.querySelector<HTMLElement>("[data-field=topic]")!;

function write(name: string, written: string): void {
  const field = form.elements.namedItem(name) as HTMLInputElement;
  field.value = written;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function paste(pasted: string): void {
  const event = new Event("paste", { bubbles: true, cancelable: true });
  Object.assign(event, { clipboardData: { files: [], getData: () => pasted } });
  (form.elements.namedItem("content") as HTMLElement).dispatchEvent(event);
}

async function submit(): Promise<void> {
  const before = starts().length;
  form.requestSubmit();
  await vi.waitFor(() => expect(starts().length).toBe(before + 1));
  await vi.waitFor(() => expect(document.querySelector<HTMLElement>("[data-start-page]")?.hidden).toBe(false));
}

/** Opens the page, as somebody whose account has this id. */
function open(user = "7", again = "", content = "", panel = ""): void {
  const limit = (name: string): string => `<div data-field="${name}"><input type="number" name="${name}"
    ${name === "max_seconds" ? 'max="60"' : ""}><p class="field-error" hidden></p></div>`;
  document.body.innerHTML = `<section data-start><div data-start-page>
    <form data-start-form data-api="${api}" data-sources="/sources/" data-user="${user}" data-again="${again}" data-panel="${panel}" novalidate>
    <input type="hidden" name="csrfmiddlewaretoken" value="t0ken"><ul data-chips></ul>
    <div data-field="sources"><p class="field-error" hidden></p></div>
    <div data-field="content"><textarea name="content" data-limit="500000"></textarea><p class="field-error" hidden></p></div>
    <div data-field="topic" hidden><textarea name="topic"></textarea><p class="field-error" hidden></p></div>
    <button type="submit"></button><span data-counter></span>
    <div data-form-error hidden><span data-form-problem></span><button type="submit"></button></div><div data-busy></div>
    <div data-field="truncate" hidden><p data-reading></p><label data-truncate hidden><input type="checkbox" name="truncate"></label>
      <p class="field-error" hidden></p></div>
    <details><summary><span data-chosen></span><span data-price></span></summary>
    <select name="panel"><option value="p" data-agents="Analyst">Financial debate</option>
      <option value="t1" data-rounds="4" data-agents="Value, Risk">Committee</option></select><span data-agents></span><input name="content_type" value="text">
    <input name="instrument"><input type="date" name="as_of">
    <div data-field="rounds"><input type="number" name="rounds" min="1" max="6" value="2"><p class="field-error" hidden></p></div>
    ${LIMITS.map(limit).join("")}<p data-left></p></details>
    <button type="button" data-example="0"></button><span data-undo></span></form>
    <script type="application/json" id="examples">[{"label":"News","topic":"Is it a buy?","content":"Debt fell.","content_type":"news","instrument":"AAPL","as_of":"2012-12-31"}]</script>
    <script type="application/json" id="texts">${JSON.stringify({ content })}</script>
    </div><div data-starting hidden></div></section>`;
  form = document.querySelector("form")!;
  new StartForm(form);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  vi.stubGlobal("scrollTo", () => {});
  sent = [];
  api = `/start/${Number(api.split("/")[2]) + 1}/`;
  localStorage.clear();
  sessionStorage.clear();
  serve(async () => Response.json(ESTIMATE));
  open();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

test("an example from history puts its company on record, as of its day", async () => {
  form.querySelector<HTMLElement>("[data-example]")?.click();
  vi.useRealTimers();
  await submit();
  expect(starts()).toMatchObject([{ instrument: "AAPL", as_of: "2012-12-31T23:59:59.000Z" }]);
});

test("the team that the address names is chosen with its rounds, and a reload keeps another choice", () => {
  open("7", "", "", "t1");
  expect([value("panel"), value("rounds"), text("[data-chosen]"), text("span[data-agents]")]).toEqual(["t1", "4", "Team: Committee · 4 rounds", "Value, Risk"]);
  write("panel", "p");
  vi.advanceTimersByTime(1_000);
  open();
  expect([value("panel"), text("span[data-agents]")]).toEqual(["p", "Analyst"]);
});

test("a draft with a team that is gone keeps the first team of the list", () => {
  localStorage.setItem(DRAFT, JSON.stringify({ text: "Is it a buy?", question: null, pasted: [], sources: [], options: { panel: "gone" }, key: null }));
  open();
  expect(value("panel")).toBe("p");
});

describe("the box", () => {
  test("holds the question if it is short", async () => {
    write("content", " Is it a buy? ");
    vi.useRealTimers();
    await submit();
    expect(starts()).toMatchObject([{ topic: "Is it a buy?", content: "", content_type: "text", panel: "p", rounds: 2 }]);
    expect(Object.keys(starts()[0] ?? {})).not.toContain("max_usd");
    expect(question().hidden).toBe(true);
  });

  test("holds a source if it is long, whose question is shown and may be changed", async () => {
    write("content", LONG);
    expect(question().hidden).toBe(false);
    expect(text("[data-counter]")).toBe("Source, 679 of 500,000 characters");
    await vi.advanceTimersByTimeAsync(400);
    vi.useRealTimers();
    await vi.waitFor(() => expect(value("topic")).toBe("The margin fell."));
    await submit();
    expect(starts()[0]).toMatchObject({ content: LONG.trim() });
    expect(starts()[0]).not.toHaveProperty("topic");
    write("topic", "Why did it fall?");
    await submit();
    expect(starts()[1]).toMatchObject({ topic: "Why did it fall?", content: LONG.trim() });
  });

  test("takes a pasted text of several lines as a source beside it", async () => {
    write("content", "Is it a buy?");
    paste("Revenue 412\nMargin 61 %");
    expect(chips()).toEqual(["Pasted text"]);
    vi.useRealTimers();
    await submit();
    expect(starts()[0]).toMatchObject({ topic: "Is it a buy?", content: "Revenue 412\nMargin 61 %" });
    form.querySelector<HTMLElement>(".chip .remove")?.click();
    expect(chips()).toEqual([]);
  });

  test("sends at Enter, and breaks the line at Shift and Enter", async () => {
    write("content", "Is it a buy?");
    const press = (shiftKey: boolean): boolean =>
      form.querySelector("textarea")!.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", shiftKey, cancelable: true }));
    expect(press(true)).toBe(true);
    expect(press(false)).toBe(false);
    await vi.waitFor(() => expect(starts()).toHaveLength(1));
  });
});

test("an example fills only what is empty, and can be undone", () => {
  write("content", "My own question?");
  form.querySelector<HTMLElement>("[data-example]")?.click();
  expect([value("content"), value("content_type"), chips()]).toEqual(["My own question?", "news", ["News"]]);
  form.querySelector<HTMLElement>("[data-undo] button")?.click();
  expect([value("content"), value("content_type"), chips()]).toEqual(["My own question?", "text", []]);
});

describe("a start", () => {
  test("sends the age of its press, the estimate does not", async () => {
    vi.useRealTimers();
    write("content", "Is it a buy?");
    await vi.waitFor(() => expect(estimates()).toHaveLength(1));
    await submit();
    const clicked = (path: string): string | undefined => sent.find(({ url }) => url === path)?.headers["X-Clicked-Ms-Ago"];
    expect(clicked(`${api}estimate`)).toBeUndefined();
    expect(clicked(api)).toMatch(/^\d+\.\d$/);
  });

  test("that fails keeps everything, and is repeated with its key by one press", async () => {
    vi.useRealTimers();
    write("content", "Is it a buy?");
    await submit();
    expect(text("[data-form-problem]")).toBe("The server answered with an error (500). Nothing is lost.");
    expect(value("content")).toBe("Is it a buy?");
    const press = document.activeElement as HTMLElement;
    press.click();
    await vi.waitFor(() => expect(starts()).toHaveLength(2));
    await vi.waitFor(() => expect(document.querySelector<HTMLElement>("[data-start-page]")?.hidden).toBe(false));
    write("rounds", "3");
    await submit();
    const keys = starts().map((body) => body["idempotency_key"]);
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
  });

  test("shows the status before the server has answered", () => {
    write("content", "Is it a buy?");
    form.requestSubmit();
    expect(document.querySelector("[data-testid=conversation-status]")?.textContent).toBe("Initializing");
    expect(document.querySelector("h1")?.textContent).toBe("Is it a buy?");
  });

  test("that is refused for too many debates lists them, and may wait for its turn", async () => {
    const running = [{ id: "1", topic: "Gold?", status: "active", url: "/conversations/1/" }];
    const refused = { code: "limit_reached", message: "1 debate is already running (the maximum). Stop one or wait.", running };
    serve(async () => Response.json(ESTIMATE), () => Response.json(refused, { status: 429 }));
    vi.useRealTimers();
    write("content", "Is it a buy?");
    await submit();
    expect(form.querySelector("[data-busy] a")?.getAttribute("href")).toBe("/conversations/1/");
    form.querySelector<HTMLElement>("[data-testid=start-when-free]")?.click();
    await vi.waitFor(() => expect(starts()[1]).toMatchObject({ when_busy: "queue" }));
  });

  test("that is refused says how long to wait", async () => {
    const refused = { code: "too_many_requests", message: "Too many starts." };
    serve(async () => Response.json(ESTIMATE), () => Response.json(refused, { status: 429, headers: { "Retry-After": "130" } }));
    vi.useRealTimers();
    write("content", "Is it a buy?");
    await submit();
    expect(text("[data-form-problem]")).toBe("Too many starts. Try again in 3 minutes.");
  });
});

test("all problems are named at once, each at its field", () => {
  write("rounds", "9");
  write("max_usd", "-1");
  write("max_tokens", "1.5");
  write("max_seconds", "61");
  form.requestSubmit();
  expect(error("content")).toBe("Enter a question.");
  expect(error("rounds")).toBe("Enter a whole number from 1 to 6.");
  expect(error("max_usd")).toBe("Enter a number above 0.");
  expect(error("max_tokens")).toBe("Enter a whole number.");
  expect(error("max_seconds")).toBe("At most 60 minutes here.");
  expect(folded()).toBe(false);
  expect(text("[data-chosen]")).toBe("Team: Financial debate · 9 rounds");
  expect(starts()).toEqual([]);
});

describe("a text that is too long for the model", () => {
  const reading = { characters: 90_000, tokens: 25_000, most_tokens: 8_000, read: 28_000, too_long: true };

  test("starts a debate only if its beginning may be used", async () => {
    serve(async () => Response.json({ ...ESTIMATE, reading }));
    write("content", LONG);
    await vi.advanceTimersByTimeAsync(400);
    await vi.waitFor(() =>
      expect(text("[data-reading]")).toBe(
        "Your sources are too long for this model: about 25,000 tokens, and it takes 8,000. It can read the first 28,000 of 90,000 characters.",
      ),
    );
    form.requestSubmit();
    expect(error("truncate")).toBe("Shorten your sources, or use only the beginning.");
    expect(starts()).toEqual([]);
    form.querySelector<HTMLElement>("[name=truncate]")?.click();
    vi.useRealTimers();
    await submit();
    expect(starts()).toMatchObject([{ truncate: true }]);
  });

  test("may be cut even if only the start finds it too long", async () => {
    const errors = [{ field: "content", rule: "too_long_for_model", message: "Too long." }];
    serve(async () => Response.json(ESTIMATE), () => Response.json({ code: "too_long_for_model", errors }, { status: 422 }));
    write("content", LONG);
    vi.useRealTimers();
    await submit();
    expect(error("truncate")).toBe("Your sources are too long for this model. Shorten them, or use only the beginning.");
    expect(form.querySelector<HTMLElement>("[data-truncate]")?.hidden).toBe(false);
  });

  test("is only announced where the model reads a part of any text", () => {
    expect(readingText({ ...reading, most_tokens: null, read: 600, too_long: false })).toBe(
      "This model reads only the first 600 of 90,000 characters of your sources.",
    );
  });
});

describe("limits", () => {
  test("are sent in the server's units, and shown in the line", async () => {
    write("content", "Is it a buy?");
    write("max_usd", "0.5");
    write("max_tokens", "20000");
    write("max_seconds", "1.5");
    expect(text("[data-chosen]")).toBe("Team: Financial debate · 2 rounds · limits: $0.50, 20,000 tokens, 1.5 minutes");
    vi.useRealTimers();
    await submit();
    expect(starts()[0]).toMatchObject({ max_usd: 0.5, max_tokens: 20_000, max_seconds: 90 });
  });

  test("that may not cover a first message are accepted with a warning", async () => {
    serve(async () => Response.json({ ...ESTIMATE, to_begin: { tokens: 16_800, usd: 0.01 } }));
    write("content", "Is it a buy?");
    write("max_tokens", "9000");
    await vi.advanceTimersByTimeAsync(400);
    await vi.waitFor(() => expect(text("[data-left]")).toContain("before its first message: that and a verdict may take 16,800 tokens."));
    write("max_tokens", "16800");
    expect(text("[data-left]")).not.toContain("before its first message");
  });

  test("below the estimate's least are refused before the start", async () => {
    write("content", "Is it a buy?");
    write("max_usd", "0.001");
    write("max_tokens", "3000");
    await vi.advanceTimersByTimeAsync(400);
    await vi.waitFor(() => expect(text("[data-price]")).not.toBe(""));
    form.requestSubmit();
    expect(error("max_tokens")).toBe("Enter 3,400 or more: this debate needs at least so many tokens.");
    expect(error("max_usd")).toBe("Enter 0.002 or more: this debate costs at least so many US dollars.");
    expect(starts()).toEqual([]);
  });

  test("that the server refuses are shown beside their field", async () => {
    const errors = [{ field: "max_usd", rule: "less_than_equal", message: "Enter 2 or less." }];
    serve(async () => Response.json(ESTIMATE), () => Response.json({ code: "invalid", errors }, { status: 422 }));
    write("content", "Is it a buy?");
    write("max_usd", "5");
    vi.useRealTimers();
    await submit();
    expect(error("max_usd")).toBe("Enter 2 or less.");
    expect(folded()).toBe(false);
  });
});

describe("a draft", () => {
  test("is there after a reload, for the same account only", async () => {
    write("content", "Is it a buy?");
    write("rounds", "4");
    paste("Revenue 412\nMargin 61 %");
    await vi.advanceTimersByTimeAsync(300);
    open("8");
    expect([value("content"), value("rounds"), chips()]).toEqual(["", "2", []]);
    open("7", "an-earlier-debate", "Its content");
    expect([value("content"), chips()]).toEqual(["", ["Text"]]);
    open();
    expect([value("content"), value("rounds"), chips()]).toEqual(["Is it a buy?", "4", ["Pasted text"]]);
  });

  test("is gone once the debate has started", async () => {
    serve(async () => Response.json(ESTIMATE), () => Response.json({ url: "#started" }, { status: 201 }));
    write("content", "Is it a buy?");
    await vi.advanceTimersByTimeAsync(300);
    expect(localStorage.getItem(DRAFT)).not.toBeNull();
    form.requestSubmit();
    await vi.waitFor(() => expect(location.hash).toBe("#started"));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(localStorage.getItem(DRAFT)).toBeNull();
  });
});

describe("the estimate", () => {
  test("is requested after a pause in typing, for the whole form", async () => {
    write("content", "Is it");
    await vi.advanceTimersByTimeAsync(300);
    write("content", "Is it a buy?");
    write("max_usd", "0.5");
    await vi.advanceTimersByTimeAsync(399);
    expect(estimates()).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(estimates()).toMatchObject([{ topic: "Is it a buy?", rounds: 2, max_usd: 0.5 }]);
    await vi.waitFor(() => expect(text("[data-price]")).toBe("gpt-5-mini: about $0.002–$0.006 · about 3,400–9,200 tokens"));
  });

  test("is not requested while nothing is asked", async () => {
    write("rounds", "3");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(estimates()).toEqual([]);
  });

  test("that fails removes the old one", async () => {
    write("content", "Is it a buy?");
    await vi.advanceTimersByTimeAsync(400);
    await vi.waitFor(() => expect(text("[data-price]")).not.toBe(""));
    serve(async () => Response.json({ code: "log_unavailable", message: "No." }, { status: 503 }));
    write("rounds", "3");
    await vi.advanceTimersByTimeAsync(400);
    await vi.waitFor(() => expect(text("[data-price]")).toBe(""));
  });

  test("of an older form does not replace a newer one", async () => {
    let late: (response: Response) => void = () => {};
    serve(() => new Promise((resolve) => (late = resolve)));
    write("content", "Is it a buy?");
    await vi.advanceTimersByTimeAsync(400);
    serve(async () => Response.json({ ...ESTIMATE, usd: { low: 0, high: 0 }, provider: "local" }));
    write("rounds", "3");
    await vi.advanceTimersByTimeAsync(400);
    await vi.waitFor(() => expect(text("[data-price]")).toMatch(/^Runs on this server, no charge/));
    late(Response.json(ESTIMATE));
    await vi.advanceTimersByTimeAsync(0);
    expect(text("[data-price]")).toMatch(/^Runs on this server/);
  });

  test.each([
    [{ low: 0.002, high: 0.006 }, "openai:gpt-5-mini", "gpt-5-mini: about $0.002–$0.006 · about 3,400–9,200 tokens"],
    [{ low: 0.002, high: 0.002 }, "openai:gpt-5-mini", "gpt-5-mini: about $0.002 · about 3,400–9,200 tokens"],
    [null, "openai-compatible:gpt-4o-mini", "gpt-4o-mini: no price set · about 3,400–9,200 tokens"],
    [{ low: 0, high: 0 }, "ollama:llama3.2:1b", "llama3.2:1b: no charge · about 3,400–9,200 tokens"],
    [{ low: 0, high: 0 }, "demo", "Scripted demo, no charge"],
  ])("of %o with %s is put in words", (usd, provider, words) => {
    expect(priceText({ ...ESTIMATE, usd, provider })).toBe(words);
  });

  test("shows what is left today", () => {
    expect(leftText(ESTIMATE)).toBe("");
    const left = { usd: 0.84, tokens: 20_000, seconds: 0 };
    expect(leftText({ ...ESTIMATE, left })).toBe("Left for you today: $0.84, 20,000 tokens, no time.");
  });
});

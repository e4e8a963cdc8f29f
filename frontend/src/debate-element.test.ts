import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Page } from "./board.ts";
import type { Frame } from "./events.gen.ts";
import { recorded } from "./recordings.test-data.ts";
import type { LogEvent } from "./state.ts";

class FakeWebSocket {
  static last: FakeWebSocket;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly url: string;

  constructor(url: string) {
    this.url = url;
    FakeWebSocket.last = this;
  }
  send(...frames: Frame[]): void {
    for (const frame of frames) this.onmessage?.({ data: JSON.stringify(frame) });
  }
  close(): void {}
}

vi.stubGlobal("WebSocket", FakeWebSocket);
vi.stubGlobal("ResizeObserver", class { observe(): void {} disconnect(): void {} });
vi.stubGlobal("scrollTo", () => {});
await import("./debate-element.ts");

const PAGE: Page = {
  id: "1",
  topic: "Is it a <b>buy</b>?",
  content: "Revenue <img src=x onerror=alert(1)> grew.",
  contentType: "Text",
  rounds: 2,
  status: "queued",
  mode: "live",
  reason: null,
  wsUrl: "/ws/conversations/1/",
  loginUrl: "/accounts/login/?next=/conversations/1/",
  againUrl: "/?again=1",
  agents: [
    { role: "financial_analyst", name: "Financial Analyst" },
    { role: "moderator", name: "Moderator" },
  ],
};

function open(page: Partial<Page> = {}): void {
  const data = document.createElement("script");
  data.type = "application/json";
  data.id = "debate";
  data.textContent = JSON.stringify({ ...PAGE, ...page });
  const element = document.createElement("outcry-debate");
  element.dataset["from"] = "debate";
  document.body.append(data, element);
}

function hello(head = 0): Frame {
  const data = { head, status: "active", mode: "live", recovered: true, from: 0, heartbeat_seconds: 20, session: "5e55" } as const;
  return { type: "hello", seq: null, conversation: null, at: new Date().toISOString(), data };
}

async function painted(): Promise<void> {
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}

async function play(name: string, count?: number): Promise<LogEvent[]> {
  const { events } = recorded(name);
  FakeWebSocket.last.send(hello(), ...events.slice(0, count));
  await painted();
  return events;
}

const all = (hook: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(`[data-testid="${hook}"]`)];
const one = (hook: string): HTMLElement => {
  const found = all(hook)[0];
  if (!found) throw new Error(`nothing on the page is called ${hook}`);
  return found;
};
const words = (hook: string): string => (one(hook).textContent ?? "").replace(/\s+/g, " ").trim();

beforeEach(() => open());
afterEach(() => document.body.replaceChildren());

test("asks for everything, at the page's own origin", () => {
  expect(FakeWebSocket.last.url).toBe("ws://localhost:3000/ws/conversations/1/?after=0");
});

test("shows a finished debate: four speakers, the verdict, the figures", async () => {
  await play("debate");
  FakeWebSocket.last.onclose?.({ code: 1000 });
  await painted();
  expect(all("agent-message").map(({ dataset }) => [dataset["agent"], dataset["state"]])).toEqual([
    ["Financial Analyst", "done"],
    ["Market Context", "done"],
    ["Risk Challenger", "done"],
    ["Moderator", "done"],
  ]);
  expect(one("conversation-status").dataset["status"]).toBe("completed");
  expect(one("connection-status").dataset["state"]).toBe("closed");
  expect(words("verdict")).toContain("Hold");
  expect(words("verdict")).toContain("Confidence 62 %");
  expect(words("cost")).toBe("$0.0016");
  expect(words("tokens")).toBe("168");
});

test("what people and models wrote is text, never markup", async () => {
  await play("debate");
  expect(document.querySelector("img, b")).toBeNull();
  expect(document.querySelector("h1")?.textContent).toBe(PAGE.topic);
  expect(document.body.textContent).toContain("<img src=x onerror=alert(1)>");
});

test("shows a message while it is spoken, and redraws only what grew", async () => {
  const events = await play("debate", 8);
  expect(one("agent-message").dataset["state"]).toBe("speaking");
  expect(one("agent-message").querySelector(".said")?.textContent).toContain("Gross margin stayed at 61 %");
  expect(words("conversation-display")).not.toContain("undefined");
  const first = one("agent-message").querySelector(".said > p");
  FakeWebSocket.last.send(...events.slice(8, 10));
  await painted();
  expect(one("agent-message").querySelectorAll(".said > ul > li")).toHaveLength(2);
  expect(one("agent-message").querySelector(".said > p")).toBe(first);
  FakeWebSocket.last.send(...events.slice(10));
  await painted();
  expect(all("agent-message")[0]?.querySelector(".said > p")).toBe(first);
});

test("an unknown cost is unknown, not nothing", async () => {
  expect(words("cost")).toBe("–");
  await play("no_verdict", 8);
  expect(words("cost")).toBe("unknown");
});

test("no verdict says why", async () => {
  await play("no_verdict");
  expect(one("verdict").querySelector("[data-stance='no_verdict']")?.textContent).toBe("No verdict");
  expect(words("verdict")).toContain("did not have the asked form");
  expect(words("verdict")).not.toContain("Confidence");
});

test("a verdict without confidence says that none was stated", async () => {
  await play("fallback");
  expect(words("verdict")).toContain("No confidence stated");
});

test("a demo is marked in the title, on the board, on every message and on the verdict", async () => {
  await play("demo");
  expect(document.title).toMatch(/^DEMO · /);
  expect(document.querySelectorAll(".board .tag-demo")).toHaveLength(1);
  for (const message of [...all("agent-message"), one("verdict")]) {
    expect(message.querySelector(".tag-demo")?.textContent).toBe("DEMO");
  }
});

test("a withdrawn message is folded away, and who took over is named", async () => {
  await play("fallback");
  const [withdrawn] = all("agent-message");
  expect(withdrawn?.dataset["state"]).toBe("discarded");
  expect(withdrawn?.querySelector("details")?.open).toBe(false);
  expect(words("fallback")).toContain("openai:gpt-5-mini gave way to local");
  expect(words("local-note")).toContain("SmolLM2-135M is a very small model");
  expect(words("local-note")).toContain("OUTCRY_PROVIDERS=openai:gpt-5-mini OPENAI_API_KEY=... make run");
});

test("an error is a sentence and a code, with a way on", async () => {
  await play("error");
  expect(words("error")).toContain("No model answered. Try again later. providers_exhausted");
  expect(one("error").querySelector("a")?.getAttribute("href")).toBe(PAGE.againUrl);
  expect(one("conversation-status").dataset["status"]).toBe("error");
});

test("nobody goes on thinking when the debate is over", async () => {
  await play("cancelled");
  expect(all("agent-message").map(({ dataset }) => dataset["state"])).not.toContain("speaking");
  expect(all("agent-message").at(-1)?.dataset["state"]).toBe("cut");
  expect(words("conversation-display")).toContain("It broke off here.");
  expect(document.querySelector(".said[data-speaking]")).toBeNull();
});

test("tools and people have their place", async () => {
  await play("tools");
  expect(all("tool").map(({ dataset }) => dataset["outcome"])).toEqual(["done", "running", "failed"]);
  document.body.replaceChildren();
  open();
  await play("humans");
  expect(all("human-message")).toHaveLength(2);
  expect(all("input-request").map(({ dataset }) => dataset["state"])).toEqual(["answered", "expired"]);
});

test("a lost connection is told where the newest words are, until it is back", async () => {
  await play("debate", 8);
  expect(words("connection-lost")).toBe("");
  FakeWebSocket.last.onclose?.({ code: 1006 });
  await painted();
  expect(words("connection-lost")).toBe("Connection lost. Reconnecting");
  expect(one("agent-message").dataset["state"]).toBe("speaking");
});

test("a signed-out watcher is told and led to the sign-in", async () => {
  FakeWebSocket.last.onclose?.({ code: 4401 });
  await painted();
  expect(one("connection-ended").querySelector("a")?.getAttribute("href")).toBe(PAGE.loginUrl);
});

describe("a voice", () => {
  test("hears who speaks and whole messages, never single words", async () => {
    const { events } = recorded("debate");
    FakeWebSocket.last.send(hello());
    const heard: string[] = [];
    for (const event of events) {
      FakeWebSocket.last.send(event);
      await painted();
      if (words("announcements") !== heard.at(-1)) heard.push(words("announcements"));
    }
    expect(heard.filter(Boolean)).toEqual([
      "Financial Analyst is speaking.",
      expect.stringMatching(/^Financial Analyst: Margins held\. Gross margin/),
      "Market Context is speaking.",
      expect.stringMatching(/^Market Context: I accept/),
      "Risk Challenger is speaking.",
      expect.stringMatching(/^Risk Challenger: Both/),
      "Moderator is speaking.",
      "Verdict: Hold, 62 % confidence. Sound business, full price, one customer too many.",
    ]);
  });

  test("is not told again of what happened before the page was opened", async () => {
    const { events } = recorded("debate");
    FakeWebSocket.last.send(hello(events.length), ...events);
    await painted();
    expect(words("announcements")).toBe("");
  });
});

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Frame } from "../protocol/events.gen.ts";
import type { Page } from "../client/page-data.ts";
import { FakeNetwork } from "../testing/fake-network.test-data.ts";
import { recorded } from "../testing/recordings.test-data.ts";
import type { LogEvent } from "../protocol/state.ts";

let network: FakeNetwork;

/** What jsdom lacks. */
function stubBrowser(): void {
  network = new FakeNetwork();
  vi.stubGlobal("ResizeObserver", class { observe(): void {} disconnect(): void {} });
  vi.stubGlobal("scrollTo", () => {});
}
stubBrowser();
Element.prototype.scrollIntoView = () => {};
document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (form.getAttribute("method") !== "dialog") return;
  event.preventDefault();
  form.closest("dialog")?.close();
});
await import("../transcript/after-element.ts");
await import("../transcript/restart-button.ts");
await import("./debate-element.ts");

const PAGE: Page = {
  topic: "Is it a <b>buy</b>?",
  sources: [{ name: "Text", cited: "your text", characters: 42, pages: 0, text: "Revenue <img src=x onerror=alert(1)> grew.", url: "/source/0/" }],
  author: "ada",
  createdAt: "2026-01-05T14:30:00Z",
  rounds: 2,
  age: 60,
  events: [],
  complete: null,
  status: "queued",
  mode: "live",
  reason: null,
  wsUrl: "/ws/conversations/1/",
  loginUrl: "/accounts/login/?next=/conversations/1/",
  apiUrl: "/api/conversations/1/",
  againUrl: "/?again=1",
  pricesUrl: null,
  outcome: null,
  follows: [],
  followedBy: [],
  maxTopic: 500,
  limits: { usd: null, tokens: null, seconds: null },
  canControl: false,
  canSpeak: false,
  isStaff: false,
  reviewUrl: null,
  isSample: false,
  maxText: 4_000,
  isRouted: false,
  teams: [
    { slug: "financial-debate", title: "Financial debate", judges: true },
    { slug: "general-assistant", title: "General assistant", judges: false },
  ],
  panel: "financial-debate",
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

function hello(head = 0, from = 0): Frame {
  const data = { head, status: "active", mode: "live", recovered: true, from, heartbeat_seconds: 20, session: "5e55" } as const;
  return { type: "hello", seq: null, conversation: null, at: new Date().toISOString(), data };
}

async function painted(): Promise<void> {
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
}

async function play(name: string, count?: number): Promise<LogEvent[]> {
  const { events } = recorded(name);
  network.socket.deliver(hello(), ...events.slice(0, count));
  await painted();
  return events;
}

/** A frame that is not part of the log. */
function aside(type: string, data: object): Frame {
  return { type, seq: null, conversation: null, at: new Date().toISOString(), data } as Frame;
}

/** Frames that the page sent, without acks. */
function sent(): Record<string, unknown>[] {
  return network.socket.sent.filter(({ type }) => type !== "ack");
}

function hide(hidden: boolean): void {
  vi.spyOn(document, "hidden", "get").mockReturnValue(hidden);
  document.dispatchEvent(new Event("visibilitychange"));
}

/** The page as a person with these rights sees it. */
function reopen(page: Partial<Page>): void {
  document.body.replaceChildren();
  open(page);
}

const OWNER = { canControl: true, canSpeak: true };

/** The log's next event after those of a recording. */
function next(name: string, count: number, type: string, data: object): LogEvent {
  const { events } = recorded(name);
  return { ...events[0]!, seq: count + 1, type, data } as unknown as LogEvent;
}

function write(hook: string, text: string): void {
  const field = one(hook) as HTMLTextAreaElement;
  field.value = text;
  field.dispatchEvent(new Event("input"));
}

const all = (hook: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(`[data-testid="${hook}"]`)];
const one = (hook: string): HTMLElement => {
  const found = all(hook)[0];
  if (!found) throw new Error(`nothing on the page is called ${hook}`);
  return found;
};
const words = (hook: string): string => (one(hook).textContent ?? "").replace(/\s+/g, " ").trim();

beforeEach(() => open());
afterEach(() => {
  document.body.replaceChildren();
  sessionStorage.clear();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  stubBrowser();
});

test("connects to the page's own origin, from the first event", () => {
  expect(network.socket.url).toBe("ws://localhost:3000/ws/conversations/1/?after=0");
});

test("shows a finished debate: four speakers, the verdict, the figures", async () => {
  await play("debate");
  network.socket.onclose?.({ code: 1000 });
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
  expect(words("verdict")).toContain("confidence 62 %");
  expect(words("cost")).toBe("$0.0016");
  expect(words("tokens")).toBe("720 / 168");
});

test("a debate that the page holds whole is drawn without a connection", async () => {
  const { events } = recorded("debate");
  const sockets = network.sockets.length;
  reopen({ events, status: "completed" });
  await painted();
  expect(network.sockets).toHaveLength(sockets);
  expect(one("connection-status").dataset["state"]).toBe("closed");
  expect(words("announcements")).toBe("");
  // The result comes first.
  expect(one("verdict").compareDocumentPosition(one("conversation-display"))).toBe(Node.DOCUMENT_POSITION_FOLLOWING);
});

test("texts of people and models are never markup", async () => {
  await play("debate");
  expect(document.querySelector("img, b")).toBeNull();
  expect(document.querySelector("h1")?.textContent).toBe(PAGE.topic);
  expect(document.body.textContent).toContain("<img src=x onerror=alert(1)>");
});

test("redraws only the last block of a growing message", async () => {
  const events = await play("debate", 8);
  expect(one("agent-message").dataset["state"]).toBe("speaking");
  expect(one("agent-message").querySelector(".prose")?.textContent).toContain("Gross margin stayed at 61\u00a0%");
  expect(words("conversation-display")).not.toContain("undefined");
  const first = one("agent-message").querySelector(".prose > p");
  network.socket.deliver(...events.slice(8, 10));
  await painted();
  expect(one("agent-message").querySelectorAll(".prose > ul > li")).toHaveLength(2);
  expect(one("agent-message").querySelector(".prose > p")).toBe(first);
  network.socket.deliver(...events.slice(10));
  await painted();
  expect(all("agent-message")[0]?.querySelector(".prose > p")).toBe(first);
});

test("an unknown cost is not $0", async () => {
  expect(words("cost")).toBe("–");
  await play("no_verdict", 8);
  expect(words("cost")).toBe("unknown");
});

test("no verdict shows the reason", async () => {
  await play("no_verdict");
  expect(one("verdict").querySelector("[data-stance='no_verdict']")?.textContent).toBe("No verdict");
  expect(words("verdict")).toContain("did not have the asked form");
  expect(words("verdict")).not.toContain("Confidence");
});

test("a verdict without confidence says so", async () => {
  await play("fallback");
  expect(words("verdict")).toContain("Confidence: not given");
});

test("a message that was cut off says so", async () => {
  await play("tools");
  expect(all("cut-note").map(({ textContent }) => textContent)).toEqual(["Cut off here, at the length limit."]);
});

test("thoughts are folded before their message, and are no message", async () => {
  await play("thinking");
  const thoughts = all("thoughts");
  expect(thoughts.map(({ textContent }) => textContent?.includes("Margins or cash?"))).toContain(true);
  for (const each of thoughts) {
    expect(each.tagName).toBe("DETAILS");
    expect((each as HTMLDetailsElement).open).toBe(false);
    expect(each.nextElementSibling?.matches("outcry-message, details")).toBe(true);
  }
  expect(all("agent-message").some(({ dataset }) => dataset["kind"] === "thinking")).toBe(false);
});

describe("a demo", () => {
  test("is marked in title, watermark, panel, messages and verdict", async () => {
    await play("demo");
    expect(document.title).toMatch(/^Demo: /);
    expect(all("watermark")).toHaveLength(1);
    expect(document.querySelectorAll(".status-panel .tag-demo")).toHaveLength(1);
    for (const message of all("agent-message")) {
      expect(message.querySelector(".tag-demo")?.textContent).toMatch(/^Demo: /);
    }
    expect(one("verdict").querySelector("h2")?.textContent).toBe("Demo: no verdict");
  });

  test("that was asked for offers no other model", async () => {
    reopen(OWNER);
    await play("demo");
    expect(all("demo-banner")).toHaveLength(0);
    expect(all("start-again")).toHaveLength(0);
  });

  test("does not mark messages from before it began", async () => {
    await play("demo_after_live");
    const marked = all("agent-message").map((message) => [
      message.dataset["mode"],
      message.querySelector(".tag-demo") !== null,
    ]);
    expect(marked).toEqual([
      ["live", false],
      ["demo", true],
      ["demo", true],
      ["demo", true],
    ]);
    expect(words("fallback")).toBe(
      "gpt-5-mini failed. Switched to the scripted demo. The model did not answer in time. provider_timeout The sector trades at",
    );
    expect(document.title).toMatch(/^Demo: /);
    expect(words("demo-banner")).toContain("Switched to a scripted demo.");
  });

  test("is not marked before it begins", async () => {
    const { events } = recorded("demo_after_live");
    await play("demo_after_live", events.findIndex(({ type }) => type === "fallback"));
    expect([all("watermark").length, all("demo-banner").length, all("demo-badge").length]).toEqual([0, 0, 0]);
    expect(document.title).not.toMatch(/^Demo/);
  });

  test("offers its owner a retry with a model", async () => {
    await play("demo_after_live");
    expect(all("start-again")).toHaveLength(0);
    reopen(OWNER);
    await play("demo_after_live");
    expect(words("start-again")).toBe("Retry");
  });
});

test("a discarded attempt is folded into the line that names its successor", async () => {
  await play("fallback");
  expect(all("agent-message").map(({ dataset }) => dataset["state"])).not.toContain("discarded");
  expect((one("fallback") as HTMLDetailsElement).open).toBe(false);
  expect(one("fallback").querySelector("summary")?.textContent).toBe("gpt-5-mini failed. Switched to local.");
  expect(words("fallback")).toContain("No token for 20 seconds.");
});

test("a debate of a test model says so, and staff may read how to connect a better one", async () => {
  await play("no_verdict");
  expect(words("local-note")).toBe("Test model. Results are not meaningful.");
  reopen({ isStaff: true });
  await play("no_verdict");
  expect(words("local-note")).toContain("OUTCRY_PROVIDERS=openai:gpt-5-mini OPENAI_API_KEY=... make run");
});

test("with several models, messages name theirs and changes their reason", async () => {
  await play("failover");
  expect(all("fallback").map((line) => line.querySelector("summary")?.textContent)).toEqual([
    "gpt-5-mini is rate limited; retried after 3 seconds.",
    "gpt-5-mini failed. Switched to claude-haiku-4-5.",
    "gpt-5-mini failed recently and is skipped. Switched to claude-haiku-4-5.",
  ]);
  expect(all("agent-message").map((message) => message.querySelector("header [data-testid=message-model]")?.textContent)).toEqual([
    "gpt-5-mini · openai",
    "claude-haiku-4-5 · anthropic",
    "gpt-5-mini · openai",
    "claude-haiku-4-5 · anthropic",
  ]);
  expect(words("fallback")).toContain("It had said nothing.");
});

test("an interrupted model has not failed", async () => {
  const events = recorded("failover").events.map((event) =>
    event.type === "message_discard" ? { ...event, data: { ...event.data, reason: "interrupted" } } : event,
  );
  network.socket.deliver(hello(), ...events);
  await painted();
  expect(all("fallback")[1]?.textContent).toContain("failed recently and is skipped");
});

test("a single model is named below its messages", async () => {
  await play("debate");
  expect(one("agent-message").querySelector("footer [data-testid=message-model]")?.textContent).toBe("gpt-5-mini · openai");
  expect(one("agent-message").querySelector("header [data-testid=message-model]")).toBeNull();
});

describe("limits", () => {
  const limits = { usd: 0.002, tokens: 2_000, seconds: 600 };
  const closing = recorded("budget").events.findIndex((event) => event.type === "status" && event.data.reason === "budget");

  test("are hidden if there are none", async () => {
    await play("debate");
    expect(all("limits")).toHaveLength(0);
  });

  test("show the spent and the remaining amount", async () => {
    reopen({ limits });
    await play("budget", closing);
    expect(words("limit-money")).toBe("Cost (USD) $0.0008 of $0.002 $0.0012 left");
    expect(words("limit-tokens")).toBe("Tokens (input + output) 444 of 2,000 1,556 left");
    expect(words("limit-time")).toBe("Run time 0:03 of 10:00 9:57 left");
  });

  test("are bounds if a price is unknown", async () => {
    reopen({ limits: { usd: 1, tokens: null, seconds: null } });
    const { events } = recorded("fallback");
    await play("fallback", events.findIndex(({ type }) => type === "complete"));
    expect(words("limit-money")).toMatch(/^Cost \(USD\) at least \$0\.\d+ of \$1\.00 at most \$0?\.?\d+\.?\d* left$/);
    expect(all("limit-tokens")).toHaveLength(0);
  });

  test("that are reached are shown once, where that happened", async () => {
    reopen({ limits, rounds: 3 });
    await play("budget", closing + 1);
    expect(words("budget-reached")).toBe("Limit reached: the Moderator closes the debate.");
    expect(words("announcements")).toContain("Limit reached");
    network.socket.deliver(...recorded("budget").events.slice(closing + 1));
    await painted();
    expect(all("budget-reached")).toHaveLength(1);
    expect(words("round")).toBe("Round 1 of 3");
    expect([words("conversation-status"), words("stop-reason")]).toEqual(["Stopped", "Limit reached"]);
    expect(words("limits")).not.toContain("left");
  });

  test("that do not cover a verdict leave none", async () => {
    await play("budget_spent");
    expect(words("budget-reached")).toBe("Limit reached: the debate ends here.");
    expect(words("verdict")).toContain("No verdict Limit reached before a verdict.");
    expect(all("agent-message")).toHaveLength(1);
    expect(words("discarded")).toBe(
      "An attempt of Market Context was discarded. The limit was reached. At 24 times",
    );
  });
});

test("a final error has a sentence, a code, advice and a link", async () => {
  reopen(OWNER);
  await play("error");
  expect(words("error")).toContain("No model answered. Try again later. providers_exhausted");
  expect(words("what-to-do")).toBe("Every model was tried. Wait a few minutes and try again.");
  expect(words("start-again")).toBe("Retry");
  expect(one("error").querySelector("a")?.getAttribute("href")).toBe(PAGE.againUrl);
  expect(one("conversation-status").dataset["status"]).toBe("error");
  reopen({});
  await play("error");
  expect(all("start-again")).toHaveLength(0);
});

test("nothing is animated when the debate is over", async () => {
  await play("cancelled");
  expect(all("agent-message").map(({ dataset }) => dataset["state"])).not.toContain("speaking");
  expect(all("agent-message").at(-1)?.dataset["state"]).toBe("cut");
  expect(words("conversation-display")).toContain("Stopped mid-answer.");
  expect(document.querySelector(".prose[data-speaking]")).toBeNull();
});

test("tools and people are shown in place", async () => {
  await play("tools");
  await vi.waitFor(() => expect(all("tool").map(({ dataset }) => dataset["outcome"])).toEqual(["done", "running", "failed"]));
  document.body.replaceChildren();
  open();
  await play("humans");
  expect(all("human-message")).toHaveLength(2);
  expect(all("input-request").map(({ dataset }) => dataset["state"])).toEqual(["answered", "expired"]);
});

test("a lost connection is shown until it is back", async () => {
  await play("debate", 8);
  expect(words("connection-lost")).toBe("");
  network.socket.onclose?.({ code: 1006 });
  await painted();
  expect(words("connection-lost")).toBe("Connection lost. Reconnecting");
  expect(one("agent-message").dataset["state"]).toBe("speaking");
});

test("an offline browser is shown as offline", async () => {
  await play("debate", 8);
  vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
  dispatchEvent(new Event("offline"));
  await painted();
  expect(words("connection-status")).toBe("");
  network.socket.onclose?.({ code: 1006 });
  await painted();
  expect(words("connection-status")).toBe("Offline");
  expect(words("connection-lost")).toBe("Offline. You'll catch up when reconnected");
});

test("a lagging stream is shown until it has caught up", async () => {
  await play("debate", 8);
  network.socket.deliver(aside("stream", { state: "lagging" }));
  await painted();
  expect(words("stream-note")).toBe("Your connection is slow: whole messages only, until it has caught up.");
  network.socket.deliver(aside("stream", { state: "streaming" }));
  await painted();
  expect(words("stream-note")).toBe("");
  network.socket.deliver(aside("stream", { state: "paused" }));
  await painted();
  expect(words("connection-status")).toBe("Stream paused");
});

test("a server that waits for its database is shown", async () => {
  await play("debate", 8);
  network.socket.deliver(aside("stream", { state: "reconnecting" }));
  await painted();
  expect(words("connection-status")).toBe("Reconnecting");
  expect(one("connection-status").dataset["state"]).toBe("reconnecting");
  expect(words("stream-note")).toBe("The server waits for its database; nothing is lost.");
  expect(words("connection-lost")).toBe("");
  expect(words("agent-message")).toContain("Gross margin stayed at 61 %");
  network.socket.deliver(aside("stream", { state: "streaming" }));
  await painted();
  expect([words("connection-status"), words("stream-note")]).toEqual(["", ""]);
});

test("notices are text, and are dismissed one by one", async () => {
  await play("debate", 8);
  network.socket.deliver(aside("notice", { text: "<b>Down</b> at six." }), aside("notice", { text: "Up at seven." }));
  await painted();
  expect(all("notice").map((notice) => notice.querySelector("p")?.textContent)).toEqual([
    "Notice from the operator <b>Down</b> at six.",
    "Notice from the operator Up at seven.",
  ]);
  expect(one("banners").getAttribute("role")).toBe("status");
  one("notice-dismiss").click();
  await painted();
  expect(words("notice")).toBe("Notice from the operator Up at seven.");
});

describe("an ack", () => {
  const acks = (): unknown[] => network.socket.sent.filter(({ type }) => type === "ack").map(({ seq }) => seq);

  test("is sent once the event is painted", async () => {
    network.socket.deliver(hello(), ...recorded("debate").events.slice(0, 8));
    expect(acks()).toEqual([]);
    await vi.waitFor(() => expect(acks()).toEqual([8]));
  });

  test("is sent on receipt in a hidden tab", async () => {
    hide(true);
    const { events } = recorded("debate");
    network.socket.deliver(hello(), ...events.slice(0, 5));
    expect(acks()).toEqual([1]);
    network.socket.deliver({ ...events[6]!, after: 5 }, aside("heartbeat", { head: 7 }));
    expect(acks()).toEqual([1, 7]);
  });

  test("answers a heartbeat without new events", () => {
    network.socket.deliver(hello(), aside("heartbeat", { head: 0 }));
    expect(acks()).toEqual([0]);
  });
});

describe("during an absence", () => {
  test("messages in a hidden tab are counted, marked and announced", async () => {
    const events = await play("debate", 3);
    const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now());
    hide(true);
    network.socket.deliver(...events.slice(3));
    clock.mockReturnValue(Date.now() + 60_000);
    hide(false);
    await painted();
    expect(words("missed-divider")).toBe("4 messages while you were away");
    expect(one("missed-divider").nextElementSibling?.nextElementSibling).toBe(all("agent-message")[0]);
    expect(words("announcements")).toContain("4 messages while you were away.");
    one("missed-dismiss").click();
    await painted();
    expect(all("missed-divider")).toHaveLength(0);
  });

  test("the reader may go on to the newest text of a debate that runs", async () => {
    const { events } = recorded("debate");
    const done = events.findIndex(({ type }) => type === "agent_message") + 1;
    await play("debate", 3);
    const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now());
    hide(true);
    network.socket.deliver(...events.slice(3, done));
    clock.mockReturnValue(Date.now() + 60_000);
    hide(false);
    await painted();
    const scrolled = vi.fn();
    vi.stubGlobal("scrollTo", scrolled);
    vi.stubGlobal("matchMedia", () => ({ matches: true }));
    one("resume-live").click();
    await painted();
    expect(scrolled).toHaveBeenCalledWith({ top: 0, behavior: "instant" });
    expect(all("missed-divider")).toHaveLength(0);
  });

  test("nothing looks as if it ran while the connection is lost", async () => {
    reopen(OWNER);
    await play("debate", 8);
    expect(document.querySelectorAll(".bars, .prose[data-speaking]")).toHaveLength(2);
    network.socket.onclose?.({ code: 4401 });
    await painted();
    expect(document.querySelectorAll(".bars, .prose[data-speaking]")).toHaveLength(0);
    expect(one("control-pause").ariaDisabled).toBe("true");
    const time = words("elapsed");
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 60_000);
    write("composer-text", "x"); // draws again
    await painted();
    expect(words("elapsed")).toBe(time);
  });

  test("messages after a lost connection are counted once complete", async () => {
    const events = await play("debate", 3);
    const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now());
    network.socket.onclose?.({ code: 1006 });
    clock.mockReturnValue(Date.now() + 60_000);
    dispatchEvent(new Event("online"));
    network.socket.deliver(hello(events.length, 3), ...events.slice(3, -4));
    await painted();
    expect(all("missed-divider")).toHaveLength(0);
    network.socket.deliver(...events.slice(-4));
    await painted();
    expect(words("missed-divider")).toBe("4 messages while you were away");
  });

  test("messages from before the page was opened do not count", async () => {
    const { events } = recorded("debate");
    hide(true);
    network.socket.deliver(hello(events.length), ...events);
    vi.spyOn(Date, "now").mockReturnValue(Date.now() + 60_000);
    hide(false);
    await painted();
    expect(all("missed-divider")).toHaveLength(0);
  });
});

describe("a long log that arrives after the page", () => {
  test("shows none of its past states", async () => {
    reopen({ status: "completed" });
    const { events } = recorded("debate");
    network.socket.deliver(hello(events.length), ...events.slice(0, 8));
    await painted();
    expect(words("conversation-status")).toBe("Complete");
    expect(words("conversation-display")).toBe("Loading the transcript");
    network.socket.deliver(...events.slice(8));
    await painted();
    expect([words("conversation-status"), words("announcements")]).toEqual(["Complete", ""]);
    expect(all("agent-message").length).toBeGreaterThan(3);
  });

  test("leaves what is shown until it is whole again", async () => {
    const events = await play("debate", 8);
    const before = words("conversation-display");
    network.socket.deliver({ ...hello(events.length), data: { ...hello(events.length).data, recovered: false } } as Frame, ...events.slice(0, 6));
    await painted();
    expect(words("conversation-display")).toBe(before);
    network.socket.deliver(...events.slice(6));
    await painted();
    expect(words("conversation-status")).toBe("Complete");
  });
});

describe("control", () => {
  test("needs the right to", async () => {
    await play("debate", 8);
    expect(all("controls")).toHaveLength(0);
    expect(all("composer")).toHaveLength(0);
  });

  test("pauses once the log says so, and stops the animation", async () => {
    reopen(OWNER);
    await play("debate", 5);
    expect(words("agent-message")).toContain("Financial Analyst is thinking");
    one("control-pause").click();
    await painted();
    const [{ idempotency_key } = {}] = sent();
    expect(sent()).toEqual([{ type: "control", action: "pause", idempotency_key }]);
    expect([words("control-pause"), one("control-pause").ariaDisabled]).toEqual(["Pausing", "true"]);
    network.socket.deliver(
      next("debate", 5, "control", { action: "pause", actor: "alice", idempotency_key }),
      next("debate", 6, "status", { status: "paused", mode: "live", reason: null }),
    );
    await painted();
    expect(words("conversation-status")).toBe("Paused");
    expect(words("control")).toBe("alice paused the debate.");
    expect(words("control-resume")).toBe("Resume");
    expect(words("agent-message")).toContain("Paused here.");
    expect(words("agent-message")).not.toContain("thinking");
    expect(document.querySelector("[data-speaking]")).toBeNull();
  });

  test("a refusal is shown beside the buttons", async () => {
    reopen(OWNER);
    await play("debate", 8);
    one("control-pause").click();
    const { idempotency_key } = sent()[0] as { idempotency_key: string };
    const refused = { code: "forbidden", message: "You may not.", retryable: false, idempotency_key };
    network.socket.deliver(aside("error", refused));
    await painted();
    expect(words("control-problem")).toBe("You may not.");
    expect(one("control-pause").ariaDisabled).toBe("false");
    expect(all("notice")).toHaveLength(0);
  });

  test("asks before it stops the debate", async () => {
    HTMLDialogElement.prototype.showModal = function show(): void { this.open = true; };
    HTMLDialogElement.prototype.close = function close(): void { this.open = false; };
    reopen(OWNER);
    await play("debate", 8);
    one("control-stop").click();
    expect(words("stop-dialog")).toContain("Stop this debate? The transcript is kept.");
    one("stop-not").click();
    expect(sent()).toEqual([]);
    one("control-stop").click();
    one("stop-confirm").click();
    expect(sent()).toMatchObject([{ type: "control", action: "cancel" }]);
    expect((one("stop-dialog") as HTMLDialogElement).open).toBe(false);
  });

  test("actions of people are in the transcript", async () => {
    await play("humans");
    expect(all("control").map(({ textContent }) => textContent)).toEqual([
      "alice paused the debate.",
      "carol resumed the debate.",
    ]);
    reopen({});
    await play("cancelled");
    expect(words("control")).toBe("alice stopped the debate.");
    expect(words("conversation-display")).not.toContain("in round");
  });
});

test("a team that a person has composed is named as text, in its colours, and with its version", async () => {
  const agents = [{ role: "agent_1", name: "<b>Value</b>", color: 5, title: "Value investor" }];
  const team = { id: "t1", name: "<b>Board</b>", version: 2, newest_version: 3 };
  reopen({ ...OWNER, panel: "t1", team, agents, teams: [{ slug: "t1", title: team.name, judges: false }] });
  network.socket.deliver(hello());
  await painted();
  expect(words("composed-team")).toBe("<b>Board</b>, version 2 of 3: the team has changed since.");
  expect(one("composed-team").querySelector("a")?.getAttribute("href")).toBe("/teams/t1/");
  const speaker = document.querySelector<HTMLElement>(".speakers li");
  expect(speaker?.dataset["color"]).toBe("5");
  expect(speaker?.textContent).toContain("<b>Value</b> Value investor");
  expect(document.querySelector("outcry-debate b")).toBeNull();
  expect(words("composer-hint")).toBe("<b>Value</b> speaks next and will answer this.");
  reopen({ team: { ...team, newest_version: null } });
  await painted();
  expect(words("composed-team")).toBe("<b>Board</b>, version 2. The team was deleted.");
});

test("a composed team without a judge has rounds and no verdict in them", async () => {
  const team = { id: "t1", name: "Board", version: 1, newest_version: 1 };
  reopen({ team, teams: [{ slug: "financial-debate", title: "Board", judges: false }] });
  await play("debate");
  const marks = [...document.querySelectorAll(".round-mark")].map(({ textContent }) => textContent?.trim());
  expect(marks).toEqual(["Round 1", "Round 2"]);
  const links = [...one("outline").querySelectorAll<HTMLAnchorElement>("a")].filter(({ hash }) => hash !== "#verdict");
  expect(links.at(-1)?.textContent).toBe("Moderator");
  for (const { hash } of links) expect(document.querySelector(hash), hash).not.toBeNull();
});

describe("a text to the panel", () => {
  beforeEach(() => reopen(OWNER));

  test("is sent by the keyboard, and cleared when the log has it", async () => {
    await play("debate", 8);
    write("composer-text", "  Look at the cap. ");
    one("composer-text").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", shiftKey: true }));
    expect(sent()).toEqual([]);
    one("composer-text").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
    await painted();
    const [{ idempotency_key } = {}] = sent();
    expect(sent()).toEqual([{ type: "input", text: "Look at the cap.", idempotency_key }]);
    expect(words("composer-send")).toBe("Sending");
    expect((one("composer-text") as HTMLTextAreaElement).value).toBe("  Look at the cap. ");
    const message = { author: "alice", text: "Look at the cap.", reply_to: null, idempotency_key };
    network.socket.deliver(next("debate", 8, "human_message", message));
    await painted();
    expect((one("composer-text") as HTMLTextAreaElement).value).toBe("");
    expect(words("human-message")).toBe("alice Look at the cap.");
  });

  test("is cleared even if the log has it before the next draw", async () => {
    await play("debate", 8);
    write("composer-text", "Look at the cap.");
    await painted();
    one("composer-send").click();
    const [{ idempotency_key } = {}] = sent();
    const message = { author: "alice", text: "Look at the cap.", reply_to: null, idempotency_key };
    network.socket.deliver(next("debate", 8, "human_message", message));
    await painted();
    expect((one("composer-text") as HTMLTextAreaElement).value).toBe("");
  });

  test("is kept while it cannot be sent, and sent when the connection is back", async () => {
    await play("debate", 8);
    const before = network.sockets.length;
    network.socket.onclose?.({ code: 1006 });
    vi.stubGlobal("fetch", () => Promise.reject(new TypeError()));
    write("composer-text", "Look at the cap.");
    await painted();
    one("composer-send").click();
    await vi.waitFor(() => expect(words("composer-waiting")).toMatch(/^Not sent yet\./));
    expect(words("composer-problem")).toBe("");
    expect((one("composer-text") as HTMLTextAreaElement).value).toBe("Look at the cap.");
    await vi.waitFor(() => expect(network.sockets.length).toBe(before + 1), { timeout: 4_000 });
    network.socket.onopen?.();
    network.socket.deliver(hello(8, 8));
    await painted();
    expect(sent()).toMatchObject([{ type: "input", text: "Look at the cap." }]);
    expect(words("composer-waiting")).toBe("");
  });

  test("that was not sent before the end can be copied", async () => {
    await play("debate", 8);
    write("composer-text", "Look at the cap.");
    await painted();
    network.socket.deliver(...recorded("debate").events.slice(8));
    await painted();
    expect(words("composer-unsent")).toBe("This was not sent: the debate ended before. Look at the cap. Copy Dismiss");
    expect(document.querySelector("textarea")).toBeNull();
    one("composer-unsent").parentElement?.querySelector<HTMLElement>(".btn-ghost")?.click();
    await vi.waitFor(() => expect(all("composer-unsent")).toHaveLength(0));
  });

  test("can be addressed to one speaker, and says what will become of it", async () => {
    const [analyst, moderator] = PAGE.agents;
    const context = { role: "market_context", name: "Market Context" };
    reopen({ ...OWNER, agents: [analyst!, context, moderator!] });
    await play("debate", 8);
    expect(words("composer-hint")).toBe("Market Context speaks next and will answer this.");
    const select = one("composer-to") as HTMLSelectElement;
    select.value = "financial_analyst";
    select.dispatchEvent(new Event("change"));
    await painted();
    expect(words("composer-hint")).toBe("Financial Analyst will answer this in round 2.");
    write("composer-text", "What about debt?");
    await painted();
    one("composer-send").click();
    expect(sent()).toMatchObject([{ type: "input", text: "What about debt?", to: "financial_analyst" }]);
  });

  test("is still there after a reload, until it has been sent", async () => {
    const events = await play("debate", 8);
    write("composer-text", "What about debt?");
    reopen(OWNER);
    await play("debate", 8);
    expect((one("composer-text") as HTMLTextAreaElement).value).toBe("What about debt?");
    one("composer-send").click();
    const { idempotency_key } = sent()[0] ?? {};
    network.socket.deliver({ ...events[7]!, seq: 9, type: "human_message", data: { author: "ada", text: "What about debt?", reply_to: null, to: null, idempotency_key } } as unknown as LogEvent);
    await vi.waitFor(() => expect((one("composer-text") as HTMLTextAreaElement).value).toBe(""));
    reopen(OWNER);
    await play("debate", 8);
    expect((one("composer-text") as HTMLTextAreaElement).value).toBe("");
  });

  test("that is too long is not sent", async () => {
    await play("debate", 8);
    write("composer-text", "📈".repeat(4_000));
    await painted();
    expect(one("composer-send").matches(":disabled")).toBe(false);
    write("composer-text", "📈".repeat(4_001));
    await painted();
    expect(words("composer-problem")).toBe("This is 1 too long; 4,000 characters at most.");
    one("composer-text").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", metaKey: true }));
    expect(sent()).toEqual([]);
  });

  test("gives way to what can be done next when the debate is over", async () => {
    await play("debate");
    expect(document.querySelector("textarea")).toBeNull();
    expect(words("after")).toBe("This debate has ended. Run again Ask a follow-up One more round Edit and run");
    const answer = vi.fn(async () => Response.json({ message: "Not now." }, { status: 429 }));
    vi.stubGlobal("fetch", answer);
    one("ask-follow-up").click();
    await vi.waitFor(() => expect(document.activeElement).toBe(one("follow-up-text")));
    write("follow-up-text", "And in euros?");
    await painted();
    one("follow-up-send").click();
    await vi.waitFor(() => expect(words("follow-up-problem")).toBe("Not now."));
    expect(answer).toHaveBeenCalledWith("/api/conversations/1/again", expect.objectContaining({
      body: JSON.stringify({ topic: "And in euros?", follows: true }),
    }));
    expect((one("follow-up-text") as HTMLTextAreaElement).value).toBe("And in euros?");
  });

  test("can be followed when one of too many debates ends, and says what that costs", async () => {
    const estimate = { topic: "", provider: "openai:gpt-5", usd: { low: 0.02, high: 0.02 }, tokens: { low: 3_000, high: 3_000 } };
    const running = [{ id: "7", topic: "Rates?", status: "active", url: "/conversations/7/" }];
    const bodies: unknown[] = [];
    vi.stubGlobal("fetch", vi.fn(async (url: string, { body }: RequestInit) => {
      const sent = JSON.parse(String(body)) as { when_busy?: string };
      if (url.endsWith("/again/estimate")) return Response.json({ ...estimate, left: { usd: null, tokens: 9_000, seconds: null } });
      bodies.push(sent);
      if (sent.when_busy === "queue") return Response.json({ topic: "The same?", url: "#next" }, { status: 201 });
      return Response.json({ message: "5 debates are already running (the maximum). Stop one or wait.", running }, { status: 429 });
    }));
    await play("debate");
    await vi.waitFor(() =>
      expect(words("round-estimate")).toBe("One more round · gpt-5: about $0.02 · about 3,000 tokens. Left for you today: 9,000 tokens."),
    );
    one("run-round").click();
    await vi.waitFor(() => expect(words("busy")).toContain("5 debates are already running (the maximum). Stop one or wait."));
    expect(document.activeElement).toBe(one("start-when-free"));
    expect(one("busy").querySelector("a")?.getAttribute("href")).toBe("/conversations/7/");
    one("start-when-free").click();
    await vi.waitFor(() => expect(location.hash).toBe("#next"));
    expect(bodies[1]).toEqual({ rounds: 1, follows: true, when_busy: "queue" });
    await vi.waitFor(() => expect(words("related")).toBe("Followed by The same?"));
    location.hash = "";
  });
});

describe("a question", () => {
  const { events } = recorded("humans");
  const waiting = events.findIndex((event) => event.type === "status" && event.data.status === "awaiting_input") + 1;

  test("is shown to the owner in title, panel and transcript", async () => {
    reopen(OWNER);
    const deadline = events.flatMap((event) => (event.type === "input_request" ? [event.data.deadline] : []))[0];
    vi.spyOn(Date, "now").mockReturnValue(Date.parse(deadline ?? "") - 90_000);
    network.socket.deliver({ ...hello(), at: new Date(Date.now()).toISOString() }, ...events.slice(0, waiting));
    await painted();
    expect(document.title).toMatch(/^\(\?\) /);
    expect(words("conversation-status")).toBe("Waiting for you");
    expect(words("input-request")).toMatch(/^Question for you/);
    expect((one("composer").closest("outcry-message-form") as HTMLElement).hidden).toBe(true);
    expect(words("countdown")).toBe("1:30 left");
    const { request } = one("input-request").dataset;
    write(`answer-${request}-text`, "2025");
    await painted();
    one(`answer-${request}-send`).click();
    expect(sent()).toMatchObject([{ type: "input", text: "2025", reply_to: request }]);
    network.socket.deliver(...events.slice(waiting));
    await painted();
    expect(all("input-request").map(({ dataset }) => dataset["state"])).toEqual(["answered", "expired"]);
    expect(all("human-message").map(({ textContent }) => textContent?.replace(/\s+/g, " ").trim())).toEqual([
      "alice, to Market Context 2025 🙂",
      "alice, to Risk challenger And keep it short.",
    ]);
    expect(document.title).not.toContain("(?)");
    expect((one("composer").closest("outcry-message-form") as HTMLElement).hidden).toBe(false);
  });

  test("stands with its answer where it was asked, before what followed", async () => {
    await play("humans");
    const message = one("input-request").closest("outcry-message");
    const parts = [...(message?.querySelectorAll(".prose:not([hidden]), .prompt, .human .words, .input-request .quiet") ?? [])];
    expect(parts.map(({ textContent }) => textContent?.replace(/\s+/g, " ").trim())).toEqual([
      "Rates matter 🙂, but when?",
      "Which fiscal year?",
      "2025 🙂",
      "Which currency?",
      "Skipped by alice.",
      "In 2025 they fell.",
    ]);
  });

  test("can be skipped, and the focus goes to the next field", async () => {
    reopen(OWNER);
    await play("humans", waiting);
    const { request } = one("input-request").dataset;
    one(`answer-${request}-skip`).focus();
    one(`answer-${request}-skip`).click();
    expect(sent()).toMatchObject([{ type: "input", text: null, reply_to: request }]);
    network.socket.deliver(...events.slice(waiting));
    await vi.waitFor(() => expect(document.activeElement).toBe(one("composer-text")));
  });

  test("that closes leaves an answer that was not sent in the field for messages", async () => {
    reopen(OWNER);
    await play("humans", waiting);
    write(`answer-${one("input-request").dataset["request"]}-text`, "In euros, of course");
    await painted();
    network.socket.deliver(...events.slice(waiting, -1));
    await vi.waitFor(() => expect((one("composer-text") as HTMLTextAreaElement).value).toBe("In euros, of course"));
    expect(words("composer-waiting")).toBe("The question closed before you answered. You can send your text as a message.");
    write("composer-text", "");
    await painted();
    expect(words("composer-waiting")).toBe("");
  });

  test("does not take the field away from somebody who writes a message", async () => {
    reopen(OWNER);
    await play("humans", waiting - 4);
    one("composer-text").focus();
    network.socket.deliver(...events.slice(waiting - 4, waiting));
    await painted();
    expect(all("input-request").length).toBeGreaterThan(0);
    expect((one("composer").closest("outcry-message-form") as HTMLElement).hidden).toBe(false);
  });

  test("is read-only for people who may not answer", async () => {
    await play("humans", waiting);
    expect(words("conversation-status")).toBe("Waiting for the owner");
    expect(words("input-request")).toContain("Waiting for an answer from the owner.");
    expect(document.querySelector("textarea")).toBeNull();
    expect(document.title).not.toContain("(?)");
  });

  test("may be answered by people who may control", async () => {
    reopen({ canControl: true });
    await play("humans", waiting);
    expect(all("composer")).toHaveLength(0);
    expect(document.querySelectorAll("textarea")).toHaveLength(2);
  });
});

describe("somebody who looks at another tab", () => {
  class FakeNotification {
    static permission = "granted";
    static shown: { title: string; body: string }[] = [];
    constructor(title: string, { body }: { body: string }) {
      FakeNotification.shown.push({ title, body });
    }
  }

  beforeEach(() => {
    FakeNotification.shown = [];
    FakeNotification.permission = "granted";
    vi.stubGlobal("Notification", FakeNotification);
    document.head.innerHTML = '<link rel="icon" href="/plain.svg" data-marked="/marked.svg">';
    reopen(OWNER);
  });
  afterEach(() => document.head.replaceChildren());

  const icon = (): string => document.querySelector<HTMLLinkElement>("link")?.getAttribute("href") ?? "";

  test("is notified of a question and of the end, and the tab is marked until it is shown", async () => {
    const asked = recorded("humans").events;
    const waiting = asked.findIndex(({ type }) => type === "input_request") + 1;
    network.socket.deliver(hello());
    hide(true);
    network.socket.deliver(...asked.slice(0, waiting));
    await vi.waitFor(() => expect(document.title).toMatch(/^\(\?\) /));
    expect(FakeNotification.shown).toEqual([{ title: "Market Context asks you", body: "Which fiscal year?" }]);
    expect(icon()).toBe("/marked.svg");

    reopen(OWNER);
    network.socket.deliver(hello(), ...recorded("debate").events);
    await vi.waitFor(() => expect(document.title).toBe(`(done) ${PAGE.topic} · Outcry`));
    expect(FakeNotification.shown.at(-1)).toEqual({ title: "Verdict: Hold", body: PAGE.topic });
    hide(false);
    await painted();
    expect(document.title).toBe(`${PAGE.topic} · Outcry`);
    expect(icon()).toMatch(/\/plain\.svg$/);
  });

  test("is not told what the page shows, or what was there before", async () => {
    network.socket.deliver(hello(), ...recorded("debate").events);
    reopen(OWNER);
    hide(true);
    const { events } = recorded("debate");
    network.socket.deliver(hello(events.length), ...events);
    await vi.waitFor(() => expect(all("verdict")).toHaveLength(1), { timeout: 4_000 });
    expect(FakeNotification.shown).toEqual([]);
    expect(document.title).toBe(`${PAGE.topic} · Outcry`);
  });

  test("is asked for permission by a press only", async () => {
    const ask = vi.fn(async () => {
      FakeNotification.permission = "granted";
    });
    vi.stubGlobal("Notification", Object.assign(FakeNotification, { permission: "default", requestPermission: ask }));
    await play("debate", 8);
    expect(ask).not.toHaveBeenCalled();
    one("notify-me").click();
    await vi.waitFor(() => expect(all("notify-me")).toHaveLength(0));
    expect(ask).toHaveBeenCalledOnce();
  });
});

test("a signed-out watcher gets a link to sign in", async () => {
  network.socket.onclose?.({ code: 4401 });
  await painted();
  expect(one("connection-ended").querySelector("a")?.getAttribute("href")).toBe(PAGE.loginUrl);
});

describe("announcements", () => {
  test("name the speaker and read whole messages", async () => {
    const { events } = recorded("debate");
    network.socket.deliver(hello());
    const heard: string[] = [];
    for (const event of events) {
      network.socket.deliver(event);
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

  test("say that a script speaks", async () => {
    const { events } = recorded("demo_after_live");
    const began = events.findIndex(({ type }) => type === "fallback");
    network.socket.deliver(hello(), ...events.slice(0, began));
    await painted();
    network.socket.deliver(...events.slice(began, -3));
    await painted();
    expect(words("announcements")).toContain("Switched to the scripted demo.");
    expect(words("announcements")).toContain("Market Context, scripted demo: Scripted demo.");
  });

  test("skip what happened before the page was opened", async () => {
    const { events } = recorded("debate");
    network.socket.deliver(hello(events.length), ...events);
    await painted();
    expect(words("announcements")).toBe("");
  });
});

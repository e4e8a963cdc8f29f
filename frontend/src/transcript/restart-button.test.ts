import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RestartButtonElement } from "./restart-button.ts";

let element: RestartButtonElement;

/** Presses the button, and waits for the words that this leads to. */
async function press(words: string | RegExp): Promise<void> {
  element.querySelector("button")?.click();
  await vi.waitFor(() => expect(problem()).toMatch(words));
}
const problem = (): string => element.querySelector('[role="alert"]')?.textContent ?? "";

/** What the server answers from now on. */
function answer(status: number, body: object, headers: Record<string, string> = {}): void {
  vi.stubGlobal("fetch", vi.fn(async () => Response.json(body, { status, headers })));
}

beforeEach(async () => {
  location.hash = "";
  element = new RestartButtonElement();
  element.url = "/api/conversations/1/again";
  document.body.innerHTML = '<input type="hidden" name="csrfmiddlewaretoken" value="t0ken">';
  document.body.append(element);
  await element.updateComplete;
});
afterEach(() => {
  vi.unstubAllGlobals();
});

test("starts a new debate and opens it", async () => {
  answer(201, { id: "2", url: "#the-new-debate" });
  element.querySelector("button")?.click();
  await vi.waitFor(() => expect(location.hash).toBe("#the-new-debate"));
  expect(fetch).toHaveBeenCalledWith("/api/conversations/1/again", {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-CSRFToken": "t0ken",
      "X-Clicked-Ms-Ago": expect.stringMatching(/^\d+\.\d$/),
    },
    body: "{}",
  });
  // Off until the new page is there: a second click would start a second debate.
  expect(element.querySelector("button")?.disabled).toBe(true);
});

test.each([
  [403, "Only the owner of this debate may start it again.", {}, "Only the owner of this debate may start it again."],
  [503, "The log cannot be written just now.", {}, "The log cannot be written just now."],
  [429, "You have 5 debates running.", { "Retry-After": "42" }, "You have 5 debates running. Try again in 42 seconds."],
  [429, "Too many requests; try again in 9 seconds.", { "Retry-After": "9" }, "Too many requests; try again in 9 seconds."],
  [429, "You have 5 debates running.", {}, "You have 5 debates running."],
])("a refusal (%i) is shown as a sentence: %s", async (status, message, headers, expected) => {
  answer(status, { code: "some", message }, headers as Record<string, string>);
  await press(expected);
  expect(problem()).toBe(expected);
  expect(location.hash).toBe("");
  expect(element.querySelector("button")?.disabled).toBe(false);
});

test("an expired session and an unreachable server are shown as sentences", async () => {
  answer(401, {});
  await press(/^You are signed out\./);
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError()));
  await press(/^The server could not be reached\./);
});

test("a response without JSON is shown as a sentence", async () => {
  vi.stubGlobal("fetch", async () => new Response("<h1>Bad gateway</h1>", { status: 502 }));
  await press("The server answered with an error (502). Reload this page and try again.");
});

// The page of API keys: what it asks of the server, and what it keeps.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import "./keys-element.ts";
import { type ApiKey, type KeysPage, expiry, hasExpired } from "./keys-data.ts";

const KEY: ApiKey = {
  id: "11111111-1111-4111-8111-111111111111",
  prefix: "oc_abcdefgh",
  name: "Notebook",
  scopes: ["watch"],
  created_at: "2026-01-01T10:00:00Z",
  expires_at: null,
  last_used_at: null,
};
const SECRET = `oc_abcdefgh_${"s".repeat(43)}`;

let asked: { url: string; method: string; body: unknown; token: string | null }[];
let answers: Response[];

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}

async function shown(keys: readonly ApiKey[] = []): Promise<HTMLElement> {
  const page: KeysPage = {
    apiUrl: "/api/keys/",
    csrfToken: "token",
    maxName: 100,
    maxKeys: 20,
    scopes: ["watch", "start", "control"].map((scope) => ({ scope, label: scope })),
    keys,
  };
  document.body.innerHTML = `<script id="api-keys" type="application/json">${JSON.stringify(page)}</script><outcry-keys data-from="api-keys"></outcry-keys>`;
  await settled();
  return document.querySelector<HTMLElement>("outcry-keys")!;
}

/** Everything that was asked for has been answered and drawn. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

function at<E extends HTMLElement>(hook: string): E | null {
  return document.querySelector<E>(`[data-testid="${hook}"]`);
}

beforeEach(() => {
  asked = [];
  answers = [];
  vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
    const token = new Headers(init.headers).get("X-CSRFToken");
    asked.push({ url, method: init.method ?? "GET", body: init.body ? JSON.parse(String(init.body)) : null, token });
    const answer = answers.shift();
    return answer ? Promise.resolve(answer) : Promise.reject(new TypeError("away"));
  });
});

afterEach(() => vi.unstubAllGlobals());

async function wish(name: string): Promise<void> {
  at<HTMLInputElement>("key-name")!.value = name;
  at("key-create")!.click();
  await settled();
}

it("shows a new key until it is taken, and then nowhere", async () => {
  await shown();
  answers.push(json(201, { ...KEY, key: SECRET }));
  await wish(" Notebook ");
  expect(asked).toMatchObject([
    { url: "/api/keys/", method: "POST", token: "token", body: { name: "Notebook", scopes: ["watch"] } },
  ]);
  expect(at<HTMLTextAreaElement>("new-key-text")!.value).toBe(SECRET);
  expect(at("key-row")!.textContent).toContain("Notebook");
  expect(at<HTMLInputElement>("key-name")!.value).toBe("");
  at("new-key-done")!.click();
  await settled();
  expect(at("new-key")).toBeNull();
  expect(document.body.outerHTML).not.toContain(SECRET);
});

it("asks the server for nothing that it would refuse", async () => {
  await shown();
  document.querySelector<HTMLInputElement>("[value=watch]")!.checked = false;
  await wish("x".repeat(101));
  expect(asked).toEqual([]);
  expect(document.body.textContent).toContain("This is too long");
  expect(document.body.textContent).toContain("Choose at least one.");
});

it("says what the server has against it, beside the field or above all", async () => {
  await shown();
  answers.push(json(422, { code: "invalid", message: "", errors: [{ field: "name", message: "Not that one." }] }));
  await wish("Notebook");
  expect(document.querySelector("#key-name-problem")!.textContent).toBe("Not that one.");
  answers.push(json(429, { code: "limit_reached", message: "You have 20 keys." }));
  await wish("Notebook");
  expect(document.querySelector("[role=alert]")!.textContent).toBe("You have 20 keys.");
  await wish("Notebook");
  expect(document.querySelector("[role=alert]")!.textContent).toContain("could not be reached");
  expect(at<HTMLButtonElement>("key-create")!.disabled).toBe(false);
});

it("revokes after a question only", async () => {
  await shown([KEY]);
  at("key-revoke")!.click();
  await settled();
  at("key-no")!.click();
  await settled();
  expect(asked).toEqual([]);
  at("key-revoke")!.click();
  await settled();
  answers.push(new Response(null, { status: 204 }));
  at("key-yes")!.click();
  await settled();
  expect(asked).toMatchObject([{ url: `/api/keys/${KEY.id}/`, method: "DELETE", token: "token" }]);
  expect(at("no-keys")).not.toBeNull();
  expect(at("keys-said")!.textContent).toBe("Revoked: Notebook.");
});

it("keeps the row of what could not be revoked, and says why", async () => {
  await shown([KEY]);
  at("key-revoke")!.click();
  await settled();
  at("key-yes")!.click();
  await settled();
  expect(at("key-row")!.textContent).toContain("could not be reached");
});

it("shows the secret that takes the place of another", async () => {
  await shown([KEY]);
  at("key-rotate")!.click();
  await settled();
  answers.push(json(201, { ...KEY, prefix: "oc_ijklmnop", key: SECRET }));
  at("key-yes")!.click();
  await settled();
  expect(asked).toMatchObject([{ url: `/api/keys/${KEY.id}/rotate`, method: "POST" }]);
  expect(at<HTMLTextAreaElement>("new-key-text")!.value).toBe(SECRET);
  expect(at("key-row")!.textContent).toContain("oc_ijklmnop");
});

it("offers no new secret for what has expired", async () => {
  await shown([{ ...KEY, expires_at: "2026-01-02T10:00:00Z" }]);
  expect(at("key-row")!.textContent).toContain("expired");
  expect(at("key-rotate")).toBeNull();
  expect(at("key-revoke")).not.toBeNull();
});

it("reckons in days", () => {
  const now = Date.parse("2026-01-01T10:00:00Z");
  expect(expiry(7, now)).toBe("2026-01-08T10:00:00.000Z");
  expect(expiry(null, now)).toBeNull();
  expect(hasExpired({ ...KEY, expires_at: "2026-01-01T10:00:00Z" }, now)).toBe(true);
  expect(hasExpired({ ...KEY, expires_at: "2026-01-01T10:00:01Z" }, now)).toBe(false);
});

import { type ReactiveControllerHost, render } from "lit";
import { expect, test } from "vitest";
import { LazyPart } from "./lazy.ts";

test("a part that cannot be loaded is named, and loaded when a person tries again", async () => {
  const place = document.createElement("div");
  const host = { requestUpdate: () => render(part.problem, place) } as unknown as ReactiveControllerHost;
  let isOffline = true;
  const part = new LazyPart(host, "The chart", async () => {
    if (isOffline) throw new TypeError("Failed to fetch dynamically imported module");
    return "drawn";
  });

  const loaded = part.load();
  await expect.poll(() => place.textContent?.replace(/\s+/g, " ").trim()).toBe("The chart could not be loaded. Check the connection. Try again");
  isOffline = false;
  place.querySelector("button")?.click();
  expect(await loaded).toBe("drawn");
  expect(place.textContent?.trim()).toBe("");
});

import { expect, test } from "vitest";
import { drawnAll, dropped, sliced } from "./slices.ts";

function element(): Element {
  return document.createElement("p");
}

/** Work that takes longer than a slice. */
function slow(name: string, done: string[]): () => void {
  return () => {
    const begun = performance.now();
    while (performance.now() - begun < 10);
    done.push(name);
  };
}

test("work is done at once while the slice has time, the rest with breaks for other tasks", async () => {
  const done: string[] = [];
  sliced(element(), slow("a", done));
  sliced(element(), slow("b", done));
  sliced(element(), slow("c", done));
  expect(done).toEqual(["a"]);
  const other = new Promise<void>((resolve) => setTimeout(() => resolve(void done.push("other task")), 1));
  await Promise.all([drawnAll(), other]);
  expect(done.indexOf("other task")).toBeLessThan(done.indexOf("c"));
  expect(done.filter((name) => name !== "other task")).toEqual(["a", "b", "c"]);
});

test("an element that has gone is not drawn, and one that has changed only once", async () => {
  const done: string[] = [];
  const [gone, changed] = [element(), element()];
  sliced(element(), slow("first", done));
  sliced(gone, slow("gone", done));
  sliced(changed, slow("old", done));
  sliced(changed, slow("new", done));
  dropped(gone);
  await drawnAll();
  expect(done).toEqual(["first", "new"]);
});

test("before it is printed, everything is drawn", () => {
  const done: string[] = [];
  for (const name of ["a", "b", "c"]) sliced(element(), slow(name, done));
  dispatchEvent(new Event("beforeprint"));
  expect(done).toEqual(["a", "b", "c"]);
});

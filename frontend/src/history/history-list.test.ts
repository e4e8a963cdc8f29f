import { expect, test, vi } from "vitest";
import type { Row } from "./history-api.ts";
import { HistoryList } from "./history-list.ts";

/** A server that lists two debates a page, and has moved every debate by one when it is asked for the second page. */
function serve(): void {
  const ids = [["4", "3"], ["3", "2"], ["1"]];
  vi.stubGlobal("fetch", async (address: string) => {
    const page = Number(new URL(address, location.href).searchParams.get("page"));
    const results = ids[page - 1]?.map((id) => ({ id, status: "active" }) as Row);
    return Response.json({ count: 5, page, pages: 3, results });
  });
}

function shown(list: HistoryList): string {
  return list.rows.map(({ id }) => id).join("");
}

test("more debates follow those that are listed, each once", async () => {
  serve();
  const list = new HistoryList(() => {}, () => {});
  await list.search(new URLSearchParams());
  expect([shown(list), list.hasMore]).toEqual(["43", true]);
  await list.more();
  expect(shown(list)).toBe("432");
  await list.refresh();
  await list.more();
  expect([shown(list), list.hasMore]).toEqual(["4321", false]);
});

test("a refresh does not drop the answer with more debates", async () => {
  serve();
  const list = new HistoryList(() => {}, () => {});
  await list.search(new URLSearchParams());
  const more = list.more();
  await list.refresh();
  await more;
  expect(shown(list)).toBe("432");
});

test("a refresh that fails changes nothing, and a search that fails says so", async () => {
  serve();
  const list = new HistoryList(() => {}, () => {});
  await list.search(new URLSearchParams());
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await list.refresh();
  expect([shown(list), list.problem]).toEqual(["43", ""]);
  await list.search(new URLSearchParams());
  expect(list.problem).toContain("could not be reached");
});

import { afterEach, expect, test } from "vitest";
import { keepFragment } from "./fragment.ts";

const LINK = "/conversations/1/";

function open(address: string, isEntrance: boolean): string {
  document.body.innerHTML = isEntrance ? '<div class="entrance"></div>' : "";
  history.replaceState(null, "", address);
  keepFragment();
  return location.hash;
}

afterEach(() => sessionStorage.clear());

test("a link to a message leads there after signing in on another site", () => {
  open(`/accounts/login/?next=${LINK}#m-7`, true);
  open("/accounts/2fa/", true);
  expect(open(LINK, false)).toBe("#m-7");
  expect(open(LINK, false)).toBe("");
});

test("the fragment of one page is not given to another", () => {
  open(`/accounts/login/?next=${LINK}#m-7`, true);
  expect(open("/settings/", false)).toBe("");
});

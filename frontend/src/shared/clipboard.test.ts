import { afterEach, expect, test, vi } from "vitest";
import { forgetSubmission, setUpCopyButtons } from "./clipboard.ts";

const PAGE =
  '<div data-shown-once="/account/keys/"><textarea id="key">oc_secret</textarea>' +
  '<button data-copy="key">Copy</button></div>';

setUpCopyButtons();

function open(): HTMLButtonElement {
  document.body.innerHTML = PAGE;
  return document.querySelector("button")!;
}

afterEach(() => vi.unstubAllGlobals());

test("the button copies, and says so", async () => {
  const copied: string[] = [];
  vi.stubGlobal("navigator", { clipboard: { writeText: async (text: string) => copied.push(text) } });
  const button = open();
  button.click();
  await vi.waitFor(() => expect(button.textContent).toBe("Copied"));
  expect(copied).toEqual(["oc_secret"]);
});

test("without a clipboard the text is selected", async () => {
  vi.stubGlobal("navigator", {});
  const button = open();
  button.click();
  const field = document.querySelector("textarea")!;
  await vi.waitFor(() => expect(field.selectionEnd - field.selectionStart).toBe("oc_secret".length));
  expect(button.textContent).toBe("Copy");
});

test("a reload of what is shown once does not send the form again", () => {
  history.replaceState(null, "", "/elsewhere");
  document.body.innerHTML = "";
  forgetSubmission();
  expect(location.pathname).toBe("/elsewhere");
  document.body.innerHTML = PAGE;
  forgetSubmission();
  expect(location.pathname).toBe("/account/keys/");
});

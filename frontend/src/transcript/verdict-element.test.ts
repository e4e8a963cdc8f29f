import { expect, test } from "vitest";
import { VerdictElement } from "./verdict-element.ts";
import { recorded } from "../testing/recordings.test-data.ts";

async function footer(input: number | null, output: number | null): Promise<string> {
  const complete = recorded("debate").state.complete!;
  const element = new VerdictElement();
  element.complete = { ...complete, cost_summary: { ...complete.cost_summary, input_tokens: input, output_tokens: output } };
  document.body.append(element);
  await element.updateComplete;
  return element.querySelector("footer")!.textContent!.replace(/\s+/g, " ");
}

test("a verdict tells the tokens that were read and written", async () => {
  expect(await footer(1234, 56)).toContain("1,234 input tokens 56 output tokens");
});

test("a verdict leaves out a number of tokens that is unknown", async () => {
  expect(await footer(null, 56)).not.toContain("read");
});

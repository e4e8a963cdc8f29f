import { expect, test } from "vitest";
import { controlSentence } from "./human-input.ts";

test("a command is told in the past tense", () => {
  expect(controlSentence({ actor: "alice", action: "cancel" })).toBe("alice stopped the debate.");
});

test("a command of a later version is named", () => {
  const action = "skip_round" as "pause";
  expect(controlSentence({ actor: "alice", action })).toBe("alice sent the command “Skip round”.");
});

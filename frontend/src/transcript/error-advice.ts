// What a person can do about an error that ended a debate, by its code.

import type { Failure } from "../protocol/state.ts";

const LATER = "Such faults mostly pass: try again in a minute.";
const OPERATOR = "Whoever runs this site has to set the provider's key or model right; until then it would fail again.";

const BY_CODE: Readonly<Record<string, string>> = {
  providers_exhausted: "Every model was tried. Wait a few minutes and try again.",
  resume_failed: "What was said is kept. Start it again; if that ends the same way, the server's log says why.",
  provider_rate_limited: "Wait a minute, then try again.",
  provider_too_long: "Ask again with less material or fewer rounds.",
  provider_empty: "Try again, or word the question differently.",
  provider_looped: "Try again, or word the question differently.",
  provider_rejected: "Try again with other material; if that fails too, the server's log says why.",
  provider_unauthorized: OPERATOR,
  provider_forbidden: OPERATOR,
  provider_unknown_model: OPERATOR,
  provider_not_configured: OPERATOR,
};

export function errorAdvice({ code, retryable }: Failure): string {
  return BY_CODE[code] ?? (retryable ? LATER : "Trying again would end the same way; the server's log says why.");
}

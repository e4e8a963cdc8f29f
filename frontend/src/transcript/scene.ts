// The data that the transcript shows.

import type { Missed } from "../attention/missed-messages.ts";
import type { LiveDebate } from "../status/status-panel.ts";

export type Scene = LiveDebate & {
  readonly position: { readonly missed: Missed | null };
  dismissMissed(): void;
  /** Goes to the newest text, and follows it. */
  resumeLive(): void;
};

// The data that the transcript shows, and the person's commands.

import type { Missed } from "../attention/missed-messages.ts";
import type { Commands } from "../client/commands.ts";
import type { LiveDebate } from "../status/status-panel.ts";

export type Scene = LiveDebate & {
  readonly commands: Commands;
  readonly position: { readonly missed: Missed | null };
  dismissMissed(): void;
};

// The draft of a new debate. Each account has its own.

import type { Pasted } from "./composer.ts";
import type { Dataset } from "./datasets.ts";
import type { Source } from "./sources.ts";

export type Draft = {
  readonly text: string;
  /** The question as the person has written it beside the sources; null while it is taken from them. */
  readonly question: string | null;
  readonly pasted: readonly Pasted[];
  readonly sources: readonly Source[];
  /** Missing in a draft of an older version. */
  readonly datasets?: readonly Dataset[];
  /** Values of the other fields by name. */
  readonly options: Readonly<Record<string, string>>;
  /** The idempotency key of a start that has failed, so that a repeated start is not executed twice; else null. */
  readonly key: string | null;
};

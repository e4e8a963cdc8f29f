// What the checker says of a figure, in words and as a symbol, so that colour is not needed.

type Label = {
  readonly symbol: string;
  /** As said of one figure, and of several. */
  readonly one: string;
  readonly many: string;
};

/** Worst first. */
const LABELS: Readonly<Record<string, Label>> = {
  contradicted: { symbol: "✕", one: "contradicts the record", many: "contradict the record" },
  unsupported: { symbol: "?", one: "is not in the record", many: "not in the record" },
  unchecked: { symbol: "–", one: "could not be checked", many: "not checked" },
  assumption: { symbol: "~", one: "is an assumption", many: "assumptions" },
  consistent: { symbol: "≈", one: "fits the record", many: "fit the record" },
  derived: { symbol: "=", one: "follows from the record", many: "follow from the record" },
  matched: { symbol: "✓", one: "matches the record", many: "match the record" },
};

export const ALL_LABELS: readonly string[] = Object.keys(LABELS);

/** A label that this version does not know is its own word. */
export function labelled(label: string): Label {
  return LABELS[label] ?? { symbol: "", one: label, many: label };
}

// Tables of a text: figures stand under each other, wide tables scroll, and each can be copied.

import { copyText } from "./clipboard.ts";

/** A number as text has it, such as "-1,234.5", "(3.2%)", "US$ 4.1bn", "~12x" or "10–12%". */
const FIGURE =
  /^[([]?[~≈<>≤≥±+\-−]{0,2} ?(?:(?:US|HK|[ACS])?[$€£¥₹] ?|(?:USD|EUR|GBP|JPY|CHF|CNY|INR) ?)?[+\-−]?\d[\d,.'’/: –-]*(?:k|mm?|mn|mio|bn?|tn?|[x×%‰]|bps?|pp|pts?)?[)\]]?$/i;
/** What stands for a missing number. */
const BLANK = /^(?:|[-–—]|n\/?[am]\.?|\.{2,3}|…)$/i;
/** Citations of a debate's record after a number. */
const CITATIONS = /( ?\[E[\d, E]+\])+$/;
/** A number with a sign: what a spreadsheet may take as one. */
const SIGNED = /^[+-][$€£¥₹]?\d[\d,.]*(?:e[+-]?\d+)?(?: ?(?:k|mm?|bn?|tn?|[x%]|bps?|pp))?$/i;
/** Spreadsheets take a cell that begins like this as a formula. */
const ACTIVE = /^[=+\-@\t\r]/;

/** Puts a table into a part of its own that scrolls, with buttons that copy it. */
export function dressed(table: HTMLTableElement): HTMLElement {
  markFigures(table);
  const frame = document.createElement("div");
  frame.className = "table-frame";
  const view = document.createElement("div");
  view.className = "table-view";
  // The keyboard scrolls only what has the focus.
  view.tabIndex = 0;
  view.role = "group";
  view.ariaLabel = "Table";
  const actions = document.createElement("p");
  actions.className = "table-actions";
  actions.append(button("Copy table", () => asText(rowsOf(table))), button("Copy as CSV", () => asCsv(rowsOf(table))));
  table.replaceWith(frame);
  view.append(table);
  frame.append(view, actions);
  return frame;
}

/** Marks the columns of figures. The first column names the rows, and keeps its side. */
function markFigures(table: HTMLTableElement): void {
  const rows = [...table.tBodies].flatMap(({ rows }) => [...rows]);
  const width = table.tHead?.rows[0]?.cells.length ?? 0;
  for (let column = 1; column < width; column += 1) {
    const texts = rows.map(({ cells }) => textOf(cells[column]).replace(CITATIONS, ""));
    if (!texts.some(isFigure) || !texts.every((text) => isFigure(text) || BLANK.test(text))) continue;
    for (const { cells } of table.rows) cells[column]?.classList.add("figure");
  }
}

export function isFigure(text: string): boolean {
  return text.length <= 40 && FIGURE.test(text);
}

function rowsOf(table: HTMLTableElement): string[][] {
  return [...table.rows].map(({ cells }) => [...cells].map(textOf));
}

/** A cell's text without the hosts of its links, a formula as TeX. */
function textOf(cell: HTMLTableCellElement | undefined): string {
  if (cell === undefined) return "";
  const copy = cell.cloneNode(true) as HTMLTableCellElement;
  for (const host of copy.querySelectorAll(".leads-to")) host.remove();
  for (const formula of copy.querySelectorAll("outcry-formula")) formula.replaceWith(formula.getAttribute("tex") ?? "");
  return (copy.textContent ?? "").replace(/\s+/g, " ").trim();
}

/** Rows as CSV (RFC 4180). */
export function asCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => cells.map((cell) => quoted(disarmed(cell))).join(",")).join("\r\n");
}

/** Rows as lines of cells with tabs between them, as spreadsheets and mail programs paste them. */
export function asText(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => cells.map(disarmed).join("\t")).join("\n");
}

/** A cell that a spreadsheet does not execute. Numbers stay numbers; a typographic minus becomes one that programs
 * read. */
function disarmed(cell: string): string {
  const ascii = cell.replace(/^−(?=[$€£¥₹]?\d)/, "-");
  return ACTIVE.test(ascii) && !SIGNED.test(ascii) ? `'${ascii}` : ascii;
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function button(label: string, text: () => string): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", () => void copyText(text(), made));
  return made;
}

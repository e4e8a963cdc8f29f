// What a model's Markdown has beyond GitHub's: formulas, footnotes and numbered sources; and where it reads a mark otherwise.

import { type MarkedOptions, type Token, Tokenizer, type TokenizerExtension, type Tokens, getDefaults } from "marked";
import { displayFormula, displayStart, inlineFormula, inlineStart, type Formula } from "./formula-syntax.ts";

type FormulaToken = Tokens.Generic & Formula;

/** A footnote, or a numbered source such as "[1] Annual report", to the next one or an empty line. */
const NOTE = /^ {0,3}\[(\^[^\]\s]{1,40}(?=\]:)|\d{1,3})\](:?)(?!\()[ \t]*((?:(?!\[(?:\^|\d{1,3}\]))[^\n]+(?:\n|$))+)/;
/** What ends the paragraph before it. */
const NOTE_START = /^ {0,3}\[(?:\^|\d{1,3}\]:)/m;
/** Items of a debate's record, such as "[E3, E4]": the server's evidence/checker/parts.py. */
const EVIDENCE = /^\[E\d{1,5}(?:\s*[,;&]\s*E\d{1,5}){0,9}\](?!\()/;
const CITATION = /^\[(\d{1,3})\](?!\()/;
const REFERENCE = /^\[\^([^\]\s]{1,40})\]/;
/** A definition of what a link's label leads to. */
const LINK_TARGET = /^ {0,3}\[[^\]\n]{1,200}\]:[ \t]*\n?[ \t]*<?https?:/i;

class OwnTokenizer extends Tokenizer {
  /** One tilde is a tilde: "~$5~$10" is a range. Two strike out. */
  override del(...given: Parameters<Tokenizer["del"]>): Tokens.Del | undefined {
    return given[0].startsWith("~~") ? super.del(...given) : undefined;
  }

  /** Only web addresses become links. Any other definition, such as "[1]: Annual report", would vanish. */
  override def(source: string): Tokens.Def | undefined {
    return LINK_TARGET.test(source) ? super.def(source) : undefined;
  }
}

const EXTENSIONS: readonly (TokenizerExtension & Required<Pick<TokenizerExtension, "start">>)[] = [
  {
    name: "display",
    level: "block",
    start: (source) => displayStart(paragraph(source)),
    tokenizer: (source) => formulaToken("display", displayFormula(source)),
  },
  {
    name: "formula",
    level: "inline",
    start: inlineStart,
    tokenizer: (source, before) => formulaToken("formula", inlineFormula(source, lastCharacter(before as Token[]))),
  },
  {
    name: "note",
    level: "block",
    start: (source) => paragraph(source).search(NOTE_START),
    tokenizer(source) {
      const [raw, label, colon, text = ""] = NOTE.exec(source) ?? [];
      if (raw === undefined || LINK_TARGET.test(source)) return undefined;
      return { type: "note", raw, label, colon, tokens: this.lexer.inlineTokens(text.trim()) };
    },
  },
  {
    name: "reference",
    level: "inline",
    start: (source) => source.indexOf("[^"),
    tokenizer(source) {
      const [raw, label] = REFERENCE.exec(source) ?? [];
      return raw === undefined ? undefined : { type: "reference", raw, label };
    },
  },
  {
    name: "evidence",
    level: "inline",
    start: (source) => source.search(/\[E\d/),
    tokenizer(source) {
      const [raw] = EVIDENCE.exec(source) ?? [];
      if (raw === undefined || this.lexer.state.inLink || raw.slice(1, -1).toLowerCase() in this.lexer.tokens.links) return undefined;
      return { type: "evidence", raw };
    },
  },
  {
    name: "citation",
    level: "inline",
    start: (source) => source.search(/\[\d/),
    tokenizer(source) {
      const [raw, label = ""] = CITATION.exec(source) ?? [];
      // The label of a link's definition is a link.
      if (raw === undefined || this.lexer.state.inLink || label in this.lexer.tokens.links) return undefined;
      return { type: "citation", raw, label };
    },
  },
];

const BLOCKS = EXTENSIONS.filter(({ level }) => level === "block");
const INLINE = EXTENSIONS.filter(({ level }) => level === "inline");

/** What the lexer reads texts with. */
export const SYNTAX: MarkedOptions = {
  ...getDefaults(),
  tokenizer: new OwnTokenizer(),
  extensions: {
    renderers: {},
    childTokens: {},
    block: BLOCKS.map(({ tokenizer }) => tokenizer),
    startBlock: BLOCKS.map(({ start }) => start),
    inline: INLINE.map(({ tokenizer }) => tokenizer),
    startInline: INLINE.map(({ start }) => start),
  },
};

/** A source to its first empty line. Marked asks for each paragraph; a search of all the rest would take quadratic
 * time. */
function paragraph(source: string): string {
  const end = source.indexOf("\n\n");
  return end === -1 ? source : source.slice(0, end);
}

function lastCharacter(before: readonly Token[]): string {
  return before.at(-1)?.raw.at(-1) ?? "";
}

function formulaToken(type: string, formula: Formula | null): FormulaToken | undefined {
  return formula === null ? undefined : { type, ...formula };
}

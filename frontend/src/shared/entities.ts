// HTML's character references in a text, such as "&amp;" and "&#8364;".

/** The named ones that occur in prose. */
const NAMED: Readonly<Record<string, string>> = {
  amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", ensp: "\u2002", emsp: "\u2003", thinsp: "\u2009",
  ndash: "–", mdash: "—", hellip: "…", lsquo: "‘", rsquo: "’", ldquo: "“", rdquo: "”", laquo: "«", raquo: "»",
  bull: "•", middot: "·", sect: "§", para: "¶", dagger: "†", copy: "©", reg: "®", trade: "™", deg: "°", permil: "‰",
  euro: "€", pound: "£", yen: "¥", cent: "¢", times: "×", divide: "÷", plusmn: "±", minus: "−", le: "≤", ge: "≥",
  ne: "≠", asymp: "≈", infin: "∞", larr: "←", uarr: "↑", rarr: "→", darr: "↓", frac12: "½", frac14: "¼", frac34: "¾",
  alpha: "α", beta: "β", gamma: "γ", delta: "δ", Delta: "Δ", lambda: "λ", mu: "μ", pi: "π", rho: "ρ", sigma: "σ",
};

const REFERENCE = /&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-zA-Z]{2,8}\d{0,2}));/g;

/** The text with its character references replaced. Unknown names stay as they are. */
export function decoded(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(REFERENCE, (reference, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return Object.hasOwn(NAMED, name) ? (NAMED[name] ?? reference) : reference;
    return character(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });
}

/** The replacement character stands for a number that is none. */
function character(codePoint: number): string {
  const isCharacter = codePoint > 0 && codePoint <= 0x10ffff && !(codePoint >= 0xd800 && codePoint <= 0xdfff);
  return isCharacter ? String.fromCodePoint(codePoint) : "\ufffd";
}

// Which of the page's eight colours a speaker wears. The server's frontend/hues.py says the same.

const KNOWN = new Map([
  ["financial_analyst", 0],
  ["market_context", 1],
  ["risk_challenger", 2],
  ["moderator", 3],
]);
const SHARED = 4;

export function hue(role: string): number {
  const sum = [...role].reduce((total, character) => total + (character.codePointAt(0) ?? 0), 0);
  return KNOWN.get(role) ?? SHARED + (sum % SHARED);
}

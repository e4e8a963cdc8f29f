// Writes the part of each font that nearly every page needs (`npm run fonts`): what English, prices and figures are
// written with. All other characters come from the whole fonts, which a browser loads when it meets one of them.

import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fontverter from "fontverter";
import subsetFont from "subset-font";

const root = join(import.meta.dirname, "..");
const packages = join(root, "node_modules", "@fontsource-variable");
const folder = join(root, "src", "styles", "fonts");

const FONTS = {
  "sans-basic": "public-sans/files/public-sans-latin-wght-normal.woff2",
  "serif-basic": "source-serif-4/files/source-serif-4-latin-wght-normal.woff2",
  "serif-basic-italic": "source-serif-4/files/source-serif-4-latin-wght-italic.woff2",
};
/** First and last code points; styles/fonts.css has the same. */
const CHARACTERS = readFileSync(join(folder, "..", "fonts.css"), "utf8").match(/unicode-range: ([^;]+);/)[1];
/** What the styles use, and what letters need to stand well beside each other. */
const FEATURES = ["kern", "liga", "mark", "ccmp", "locl", "tnum", "lnum"];

const text = CHARACTERS.split(",").map(charactersOf).join("");
for (const [name, source] of Object.entries(FONTS)) {
  const font = await subsetFont(readFileSync(join(packages, source)), text, {
    targetFormat: "truetype",
    variationAxes: { wght: { min: 400, max: 700 } },
    keepFeatures: FEATURES,
  });
  const packed = await fontverter.convert(renamed(font), "woff2");
  writeFileSync(join(folder, `${name}.woff2`), packed);
  console.log(`${name}.woff2: ${packed.length} bytes`);
}
for (const family of ["public-sans", "source-serif-4"]) {
  copyFileSync(join(packages, family, "LICENSE"), join(folder, `LICENSE-${family}`));
}

/** Names the font "Outcry" instead of "Source", which its licence reserves for the unchanged font. The copyright
 * stays. */
function renamed(font) {
  const tables = Array.from({ length: font.readUInt16BE(4) }, (_, index) => 12 + 16 * index);
  const entry = tables.find((offset) => font.toString("latin1", offset, offset + 4) === "name");
  const table = font.readUInt32BE(entry + 8);
  const texts = table + font.readUInt16BE(table + 4);
  for (let record = table + 6, left = font.readUInt16BE(table + 2); left > 0; record += 12, left -= 1) {
    const begin = texts + font.readUInt16BE(record + 10);
    const value = font.subarray(begin, begin + font.readUInt16BE(record + 8));
    const isCopyright = font.readUInt16BE(record + 6) === 0;
    const found = value.indexOf(Buffer.from("Source", "utf16le").swap16());
    if (!isCopyright && found !== -1) value.set(Buffer.from("Outcry", "utf16le").swap16(), found);
  }
  return font;
}

/** The characters of a range such as "U+2010-2014". */
function charactersOf(range) {
  const [first, last = first] = range.trim().slice(2).split("-").map((digits) => Number.parseInt(digits, 16));
  return String.fromCodePoint(...Array.from({ length: last - first + 1 }, (_, index) => first + index));
}

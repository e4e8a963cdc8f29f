// Figures of the record as people read them.

import type { Item } from "../protocol/events.gen.ts";
import { label } from "../shared/format.ts";

const SCALES: readonly (readonly [from: number, word: string])[] = [
  [1e12, "trn"],
  [1e9, "bn"],
  [1e6, "m"],
];
const SYMBOLS: Readonly<Record<string, string>> = { USD: "$", EUR: "€", GBP: "£", JPY: "¥" };

/** A value in base units, rounded: "$156.51bn", "-24.2 %", "12.05×". `unit` is one of an item's or of a figure's. */
export function amount(value: string, unit: string, currency: string | null): string {
  switch (unit) {
    case "currency":
      return inCurrency(scaled(value, 2), currency);
    case "percent":
      return `${rounded(value, 2)}\u00a0%`;
    case "bp":
      return `${rounded(value, 2)}\u00a0bp`;
    case "ratio":
    case "multiple":
      return `${rounded(value, 2)}×`;
    case "count":
      return scaled(value, 0);
    default:
      return rounded(value, 2);
  }
}

export function itemAmount({ value, unit, currency }: Item): string {
  return amount(value, unit, currency ?? null);
}

/** All digits of a value, with commas: "156,508,000,000". */
export function exactly(value: string): string {
  const [whole = "", fraction] = value.split(".");
  return fraction === undefined ? grouped(whole) : `${grouped(whole)}.${fraction}`;
}

function grouped(whole: string): string {
  const sign = whole.startsWith("-") ? "-" : "";
  const groups: string[] = [];
  let rest = whole.slice(sign.length);
  for (; rest.length > 3; rest = rest.slice(0, -3)) groups.unshift(rest.slice(-3));
  return sign + [rest, ...groups].join(",");
}

/** What people call a metric: "high_52w" is "52-week high". */
export function metricName(metric: string): string {
  return METRICS[metric] ?? label(metric);
}

const METRICS: Readonly<Record<string, string>> = {
  close: "Closing price",
  high_52w: "52-week high",
  low_52w: "52-week low",
  return_1m: "Return, 1 month",
  return_3m: "Return, 3 months",
  return_12m: "Return, 12 months",
  sma_50: "50-day average",
  sma_200: "200-day average",
  rsi_14: "RSI (14)",
  volatility_30d: "Volatility, 30 days",
  max_drawdown_12m: "Maximum drawdown, 12 months",
  avg_volume_30d: "Average volume, 30 days",
  eps: "Earnings per share",
  pe: "P/E",
  fx: "Exchange rate",
  cpi: "Consumer prices (CPI)",
  core_cpi: "Core consumer prices",
  core_inflation: "Core inflation",
  real_gdp: "Real GDP",
  treasury_bill_rate: "3-month Treasury bill",
};

/** A period of the record: a day as "31 Dec 2012", two as "31 Dec 2011 – 31 Dec 2012", others as they are. */
export function periodName(period: string): string {
  return period.split("..").map(dayName).join(" – ");
}

/** The UTC day of a date or a moment in ISO 8601 as "31 Dec 2012": a record's days are not those of a reader. */
export function dayName(at: string): string {
  if (!/^\d{4}-\d{2}-\d{2}/.test(at)) return /^\d{4}-\d{2}$/.test(at) ? inWords(at, { month: "short", year: "numeric" }) : at;
  return inWords(at, { day: "numeric", month: "short", year: "numeric" });
}

function inWords(at: string, parts: Intl.DateTimeFormatOptions): string {
  const date = new Date(at);
  return Number.isNaN(date.valueOf()) ? at : date.toLocaleDateString("en-GB", { ...parts, timeZone: "UTC" });
}

function inCurrency(digits: string, currency: string | null): string {
  if (currency === null) return digits;
  const symbol = SYMBOLS[currency];
  if (symbol === undefined) return `${digits}\u00a0${currency}`;
  return digits.startsWith("−") ? `−${symbol}${digits.slice(1)}` : symbol + digits;
}

function scaled(value: string, leastDigits: number): string {
  const size = Math.abs(Number(value));
  const scale = SCALES.find(([from]) => size >= from);
  if (scale !== undefined) return rounded(String(Number(value) / scale[0]), 2) + scale[1];
  return rounded(value, size < 10 ? 4 : 2, leastDigits);
}

function rounded(value: string, digits: number, leastDigits = 0): string {
  const decimals = { minimumFractionDigits: leastDigits, maximumFractionDigits: digits };
  return Number(value).toLocaleString("en", decimals).replace("-", "−");
}

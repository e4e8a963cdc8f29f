// Draws a result. A chunk of its own, which only pages with such a result load.

import { HistogramSeries, type IChartApi, LineSeries, type Time, type UTCTimestamp } from "lightweight-charts";
import { colour, framed } from "../evidence/chart-frame.ts";
import type { ResultTable } from "../protocol/events.gen.ts";

/** The themes' colours of the lines, as the caption has them. */
const COLOURS = ["--color-primary", "--color-accent", "--color-info", "--color-warning"];
const DAY = 86_400;
/** Characters of a bar's name for which there is room. */
const NAME = 8;

type Series = ReturnType<IChartApi["addSeries"]>;

/** Draws into `place`, and follows its size and the page's theme until `signal` aborts. */
export function drawResult(place: HTMLElement, { rows, chart }: ResultTable, signal: AbortSignal): void {
  if (chart === null) return;
  const made: Series[] = [];
  const drawn = framed(place, signal, () => {
    made.forEach((series, index) => series.applyOptions({ color: colour(COLOURS[index] ?? "") }));
  });
  const texts = (column: number): string[] => rows.map((row) => row[column] ?? "");
  const names = texts(chart.x);
  if (chart.kind === "bar") made.push(...chart.y.map((column) => bars(drawn, names, texts(column))));
  else made.push(...chart.y.map((column) => line(drawn, names, texts(column))));
  drawn.timeScale().fitContent();
}

function line(chart: IChartApi, days: readonly string[], values: readonly string[]): Series {
  const series = chart.addSeries(LineSeries, { lineWidth: 2, ...look(values) });
  const points = values.map((value, index) => point(timeOf(days[index] ?? ""), value));
  series.setData((days[0] ?? "") > (days.at(-1) ?? "") ? points.reverse() : points);
  return series;
}

/** Bars are days, each with the name of its bar, and half a day before it for the gap. */
function bars(chart: IChartApi, names: readonly string[], values: readonly string[]): Series {
  const named = (time: Time): string => names[Number(time) / DAY - 1] ?? "";
  const room = Math.min(NAME, Math.max(...names.map(({ length }) => length)));
  chart.applyOptions({
    localization: { timeFormatter: named },
    timeScale: { tickMarkFormatter: named, tickMarkMaxCharacterLength: room, rightOffset: 1 },
  });
  const series = chart.addSeries(HistogramSeries, look(values));
  const at = (days: number): Time => (days * DAY) as UTCTimestamp;
  series.setData(values.flatMap((value, index) => [{ time: at(index + 0.5) }, point(at(index + 1), value)]));
  return series;
}

function look(values: readonly string[]) {
  const precision = Math.min(4, Math.max(...values.map((value) => value.split(".")[1]?.length ?? 0)));
  const priceFormat = { type: "price", precision, minMove: 10 ** -precision } as const;
  return { priceLineVisible: false, lastValueVisible: false, priceFormat };
}

/** An empty value is a gap. */
function point(time: Time, value: string): { time: Time; value?: number } {
  return value === "" ? { time } : { time, value: Number(value) };
}

/** Of a date or a moment in ISO 8601, which is UTC. */
function timeOf(at: string): Time {
  return at.length === 10 ? at : ((Date.parse(`${at}Z`) / 1000) as UTCTimestamp);
}

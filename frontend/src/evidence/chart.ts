// The chart of an instrument's prices. A chunk of its own, which only pages with prices load.

import { AreaSeries, type SeriesMarker, type Time, createSeriesMarkers } from "lightweight-charts";
import { colour, framed } from "./chart-frame.ts";
import type { Mark, Point } from "./prices.ts";

/** Draws into `place`, and follows its size and the page's theme until `signal` aborts. Returns what shows other marks. */
export function drawChart(place: HTMLElement, points: readonly Point[], digits: number, signal: AbortSignal): (marks: readonly Mark[]) => void {
  const chart = framed(place, signal, () => paint(), { timeScale: { rightOffset: 12 } });
  const priceFormat = { type: "price", precision: digits, minMove: 10 ** -digits } as const;
  const series = chart.addSeries(AreaSeries, { lineWidth: 2, priceLineVisible: false, priceFormat });
  series.setData(points.map(([time, value]) => ({ time, value })));
  const markers = createSeriesMarkers(series, []);
  let marks: readonly Mark[] = [];
  const paint = (): void => {
    const line = colour("--color-primary");
    series.applyOptions({ lineColor: line, topColor: `${line}40`, bottomColor: `${line}00` });
    markers.setMarkers(marks.map(marker));
  };
  return (next) => {
    marks = next;
    paint();
  };
}

function marker({ day, item }: Mark): SeriesMarker<Time> {
  const isLow = item.metric === "low_52w";
  return { time: day, position: isLow ? "belowBar" : "aboveBar", shape: "circle", size: 0.8, color: colour("--color-accent"), text: item.id };
}

// The chart of an instrument's prices. A chunk of its own, which only pages with prices load.

import { AreaSeries, type IChartApi, type ISeriesApi, type SeriesMarker, type Time, createChart, createSeriesMarkers } from "lightweight-charts";
import type { Mark, Point } from "./prices.ts";

/** Draws into `place`, and follows its size and the page's theme until `signal` aborts. Returns what shows other marks. */
export function drawChart(place: HTMLElement, points: readonly Point[], digits: number, signal: AbortSignal): (marks: readonly Mark[]) => void {
  const chart = createChart(place, {
    autoSize: true,
    // The page has the attribution in words: the logo would need styles that its policy forbids.
    layout: { attributionLogo: false, fontSize: 11, fontFamily: getComputedStyle(place).fontFamily },
    // The page scrolls, the chart does not.
    handleScroll: false,
    handleScale: false,
    localization: { locale: "en-GB", dateFormat: "d MMM yyyy" },
    timeScale: { borderVisible: false, rightOffset: 12 },
    rightPriceScale: { borderVisible: false, entireTextOnly: true, scaleMargins: { top: 0.18, bottom: 0.12 } },
    grid: { vertLines: { visible: false } },
  });
  const priceFormat = { type: "price", precision: digits, minMove: 10 ** -digits } as const;
  const series = chart.addSeries(AreaSeries, { lineWidth: 2, priceLineVisible: false, priceFormat });
  series.setData(points.map(([time, value]) => ({ time, value })));
  chart.timeScale().subscribeSizeChange(() => chart.timeScale().fitContent());
  const markers = createSeriesMarkers(series, []);
  let marks: readonly Mark[] = [];
  const paint = (): void => {
    recolour(chart, series);
    markers.setMarkers(marks.map(marker));
  };
  paint();
  watchTheme(paint, signal);
  signal.addEventListener("abort", () => chart.remove());
  return (next) => {
    marks = next;
    paint();
  };
}

function marker({ day, item }: Mark): SeriesMarker<Time> {
  const isLow = item.metric === "low_52w";
  return { time: day, position: isLow ? "belowBar" : "aboveBar", shape: "circle", size: 0.8, color: colour("--color-accent"), text: item.id };
}

function recolour(chart: IChartApi, series: ISeriesApi<"Area">): void {
  const line = colour("--color-primary");
  const text = colour("--color-secondary");
  const grid = colour("--color-base-300");
  chart.applyOptions({
    layout: { background: { color: "transparent" }, textColor: text },
    grid: { horzLines: { color: grid } },
    crosshair: { vertLine: { color: text, labelBackgroundColor: text }, horzLine: { color: text, labelBackgroundColor: text } },
  });
  series.applyOptions({ lineColor: line, topColor: `${line}40`, bottomColor: `${line}00` });
}

/** A colour of the theme, all of which are hexadecimal. */
function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function watchTheme(changed: () => void, signal: AbortSignal): void {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  signal.addEventListener("abort", () => observer.disconnect());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed, { signal });
}

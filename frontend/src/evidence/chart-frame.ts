// What all charts of a page have in common: their frame, and the colours of its theme.

import { type ChartOptions, type DeepPartial, type IChartApi, createChart } from "lightweight-charts";

/** A chart in `place`, which follows its size and the page's theme until `signal` aborts. `painted` is called at once and
 * after each change of the theme, with the chart. */
export function framed(place: HTMLElement, signal: AbortSignal, painted: () => void, options: DeepPartial<ChartOptions> = {}): IChartApi {
  const chart = createChart(place, {
    autoSize: true,
    // The page has the attribution in words: the logo would need styles that its policy forbids.
    layout: { attributionLogo: false, fontSize: 11, fontFamily: getComputedStyle(place).fontFamily },
    // The page scrolls, the chart does not.
    handleScroll: false,
    handleScale: false,
    localization: { locale: "en-GB", dateFormat: "dd MMM yyyy" },
    timeScale: { borderVisible: false, ...options.timeScale },
    rightPriceScale: { borderVisible: false, entireTextOnly: true, scaleMargins: { top: 0.18, bottom: 0.12 } },
    grid: { vertLines: { visible: false } },
  });
  chart.timeScale().subscribeSizeChange(() => chart.timeScale().fitContent());
  const paint = (): void => {
    recolour(chart);
    painted();
  };
  queueMicrotask(paint);
  watchTheme(paint, signal);
  signal.addEventListener("abort", () => chart.remove());
  return chart;
}

/** A colour of the theme, all of which are hexadecimal. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function recolour(chart: IChartApi): void {
  const text = colour("--color-secondary");
  chart.applyOptions({
    layout: { background: { color: "transparent" }, textColor: text },
    grid: { horzLines: { color: colour("--color-base-300") } },
    crosshair: { vertLine: { color: text, labelBackgroundColor: text }, horzLine: { color: text, labelBackgroundColor: text } },
  });
}

function watchTheme(changed: () => void, signal: AbortSignal): void {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  signal.addEventListener("abort", () => observer.disconnect());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed, { signal });
}

import type uPlot from 'uplot';
import { formatDuration } from '../../src-main/contract/index.ts';
import { formatRate, locale } from '../composables/index.ts';

/** One line of a chart. */
export interface ChartSeries {
  readonly label: string;
  /** One for each moment; null where nothing was measured. */
  readonly values: readonly (number | null)[];
  /** A custom property of the theme, such as `--mp-accent`. */
  readonly colour: string;
  /** Lines are told apart by their dashes as well. */
  readonly dash?: readonly number[];
}

/** What the values of a chart are measured in: how they are written, and where its lines may lie. */
export interface ChartScale {
  readonly format: (value: number) => string;
  /** Steps from one line to the next, rising. */
  readonly steps: readonly number[];
  /** The top is at least here, so that next to nothing looks like it. */
  readonly topMin: number;
}

const minuteMs = 60_000;

/** Milliseconds. */
export const durationScale: ChartScale = {
  format: formatDuration,
  steps: [
    ...[1, 10, 100].flatMap((tens) => [1, 2, 5].map((step) => step * tens)),
    ...[1, 2, 5, 10, 20, 30].map((seconds) => seconds * 1000),
    ...[1, 2, 5, 10, 20, 30].map((minutes) => minutes * minuteMs),
    ...[1, 2, 4, 8, 24, 48, 96, 7 * 24, 14 * 24, 28 * 24, 56 * 24, 112 * 24].map((hours) => hours * 60 * minuteMs),
  ],
  topMin: 100,
};

/** Bytes per second. */
export const rateScale: ChartScale = {
  format: formatRate,
  steps: Array.from({ length: 50 }, (_, power) => 2 ** power),
  topMin: 1024,
};

interface Look {
  readonly colourOf: (property: string) => string;
  readonly scale: ChartScale;
  /** From where to where the moments go, in seconds. */
  readonly range: () => [number, number];
  readonly width: number;
  readonly height: number;
}

const axisFont = '12px system-ui, sans-serif';
const daySeconds = 24 * 60 * 60;

const hourFormat = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
const dayFormat = new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric' });

/** Moments under an axis: hours, and days where it is days from one mark to the next. */
export function axisMoments(seconds: readonly number[], stepSeconds: number): string[] {
  const format = stepSeconds >= daySeconds ? dayFormat : hourFormat;
  return seconds.map((moment) => format.format(moment * 1000));
}

/** Values with nothing on either side: no line leads to them. */
export function lonelyIndexes(values: readonly (number | null | undefined)[]): number[] {
  const isNothing = (index: number): boolean => values[index] === null || values[index] === undefined;
  return values.flatMap((_, index) => (!isNothing(index) && isNothing(index - 1) && isNothing(index + 1) ? [index] : []));
}

/** What uPlot needs for lines over time. */
export function chartOptions(series: readonly ChartSeries[], look: Look): uPlot.Options {
  const { colourOf, scale, range, width, height } = look;
  const axis = { stroke: colourOf('--mp-text-quiet'), grid: { stroke: colourOf('--mp-line'), width: 1 }, ticks: { show: false }, font: axisFont };
  return {
    width,
    height,
    // The values are shown beside the chart, where a screen reader finds them too.
    legend: { show: false },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    scales: { x: { time: true, range }, y: { range: (_plot, _min, max) => [0, Math.max(scale.topMin, max * 1.1)] } },
    axes: [
      { ...axis, size: 28, values: (_plot, moments, _index, _space, step) => axisMoments(moments, step) },
      { ...axis, size: 76, space: 24, incrs: [...scale.steps], values: (_plot, ticks) => ticks.map((tick) => scale.format(tick)) },
    ],
    series: [
      {},
      ...series.map((one) => ({
        label: one.label,
        stroke: colourOf(one.colour),
        width: 2,
        spanGaps: false,
        points: { show: true, size: 5, filter: (plot: uPlot, at: number) => lonelyIndexes([...(plot.data[at] ?? [])]) },
        ...(one.dash !== undefined && { dash: [...one.dash] }),
      })),
    ],
  };
}

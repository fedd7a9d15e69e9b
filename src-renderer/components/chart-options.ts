import type uPlot from 'uplot';

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

interface Look {
  readonly colourOf: (property: string) => string;
  readonly format: (value: number) => string;
  readonly width: number;
  readonly height: number;
}

const axisFont = '12px system-ui, sans-serif';
const daySeconds = 24 * 60 * 60;

const hourFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric' });

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
  const { colourOf, format, width, height } = look;
  const axis = { stroke: colourOf('--mp-text-quiet'), grid: { stroke: colourOf('--mp-line'), width: 1 }, ticks: { show: false }, font: axisFont };
  return {
    width,
    height,
    // The values are shown beside the chart, where a screen reader finds them too.
    legend: { show: false },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    scales: { x: { time: true }, y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { ...axis, values: (_plot, moments, _index, _space, step) => axisMoments(moments, step) },
      { ...axis, size: 76, values: (_plot, ticks) => ticks.map((tick) => format(tick)) },
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

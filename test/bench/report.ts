import { type Figure, type FigureName, figureNames, figureOf, figureRules, type Figures, type Unit } from './figures.ts';
import type { GrowthRow } from './growth.ts';
import type { RoundsDetails } from './rounds.ts';

export interface Report {
  readonly quick: boolean;
  readonly figures: Readonly<Partial<Record<FigureName, Figure>>>;
  /** Of the figures on the whole data set. */
  readonly rounds?: RoundsDetails;
  /** What volumes cost by how much is in use. */
  readonly growth?: readonly GrowthRow[];
}

/** Brings together what was found for the figures that were wanted. */
export function reportOf(found: Omit<Report, 'figures'> & { figures: Figures; wanted: ReadonlySet<FigureName> }): Report {
  const { figures, wanted, ...rest } = found;
  const named = figureNames.flatMap((name) => {
    const measured = wanted.has(name) ? figures[name] : undefined;
    return measured === undefined || measured.ours.length === 0 ? [] : [[name, figureOf(name, measured)] as const];
  });
  return { ...rest, figures: Object.fromEntries(named) };
}

const shownAs: Readonly<Record<Unit, (value: number) => string>> = {
  s: (value) => `${value.toFixed(2)} s`,
  ms: (value) => `${value.toFixed(2)} ms`,
  bytes: (value) => mebibytes(value),
  MiB: (value) => `${value.toFixed(0)} MiB`,
  '1/s': (value) => `${value.toFixed(0)} /s`,
};

/** The report as one table, and what belongs to it in a few lines. */
export function textOf(report: Report): string {
  const rows = figureNames.flatMap((name) => {
    const one = report.figures[name];
    return one === undefined ? [] : [rowOf(name, one)];
  });
  const reasons = Object.entries(report.figures).flatMap(([name, { without }]) =>
    without === undefined || figureRules[name as FigureName].isAbsolute ? [] : [`${name} has no peer: ${without}.`],
  );
  return [
    table([['figure', 'what (beside what)', 'ours', 'peer', 'ratio', 'goal', 'met'], ...rows]),
    ...reasons,
    ...(report.rounds === undefined ? [] : linesOfRounds(report.rounds)),
    ...(report.growth === undefined ? [] : ['', tableOfGrowth(report.growth)]),
  ].join('\n');
}

function rowOf(name: FigureName, { ours, peer, ratio, goal, bound, met, unit }: Figure): string[] {
  const { label, isAbsolute } = figureRules[name];
  const shown = shownAs[unit];
  const sign = bound === 'at most' ? '≤' : '≥';
  return [
    name,
    label,
    shown(ours),
    peer === null ? '–' : shown(peer),
    ratio === null ? '–' : ratio.toFixed(ratio < 0.1 ? 3 : 2),
    goal === null ? '–' : `${sign} ${isAbsolute ? `${goal} ${unit}` : goal}`,
    met === null ? '–' : met ? 'yes' : 'NO',
  ];
}

function linesOfRounds({ wireBytes, processorSeconds, memoryPeakBytes }: RoundsDetails): string[] {
  const listed = (of: Readonly<Partial<Record<string, number>>>, shown: (value: number) => string): string =>
    Object.entries(of).map(([step, value]) => `${step} ${shown(value!)}`).join(', ');
  return [
    `Bytes on the wire: ${listed(wireBytes, mebibytes)}.`,
    `Processor time of both servers: ${listed(processorSeconds, (value) => `${value.toFixed(2)} s`)}.`,
    `Memory at its peak: primary ${mebibytes(memoryPeakBytes.primary)}, mirror ${mebibytes(memoryPeakBytes.mirror)}.`,
  ];
}

function tableOfGrowth(growth: readonly GrowthRow[]): string {
  const rows = growth.map((row) => [
    `${(row.usedBytes / 2 ** 30).toFixed(1)} GiB`,
    String(row.cpBlocksWritten),
    row.cpMs.toFixed(1),
    String(row.openBlocksRead),
    row.openMs.toFixed(1),
    mebibytes(row.memoryPeakBytes),
  ]);
  return table([['in use', 'CP: blocks', 'CP: ms', 'open: blocks', 'open: ms', 'memory'], ...rows]);
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** Columns of equal width, words to the left and numbers to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const isWords = rows[0]!.map((_, column) => /^[a-z]/.test(rows[1]?.[column] ?? ''));
  return rows
    .map((row) => row.map((cell, column) => (isWords[column]! ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ').trimEnd())
    .join('\n');
}

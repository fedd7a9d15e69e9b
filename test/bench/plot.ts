/**
 * Draws the figures of a run of the benchmark, each as a bar that says how it
 * stands to its goal: `node test/bench/plot.ts FILE [--out SVG]`, where FILE is
 * what `--json` wrote. Without --out, into resources/figures.svg.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Figure, type FigureName, figureNames, figureRules } from './figures.ts';
import type { Report } from './report.ts';

const rowHeight = 22;
const barHeight = 12;
const top = 46;
const labelWidth = 150;
const plotWidth = 420;
const valueWidth = 170;
const decadesMax = 2;

/** Below 1 where the goal is met. */
function shareOfGoal(name: FigureName, { ours, ratio, goal, bound }: Figure): number | undefined {
  const judged = figureRules[name].isAbsolute ? ours : ratio;
  if (judged === null || goal === null) return undefined;
  return bound === 'at most' ? judged / goal : goal / judged;
}

/** Where a share of the goal stands on the logarithmic scale, in units of the drawing. */
function across(share: number): number {
  const decades = Math.max(-decadesMax, Math.min(decadesMax, Math.log10(share)));
  return labelWidth + (plotWidth * (decades + decadesMax)) / (2 * decadesMax);
}

function bar(name: FigureName, figure: Figure, row: number): string {
  const share = shareOfGoal(name, figure);
  const y = top + row * rowHeight;
  const middle = y + barHeight - 2;
  const { isAbsolute } = figureRules[name];
  const judged = isAbsolute ? figure.ours : figure.ratio;
  const unit = isAbsolute ? ` ${figure.unit}` : '';
  const sign = figure.bound === 'at most' ? '≤' : '≥';
  const said = judged === null || figure.goal === null ? 'not measured' : `${Number(judged.toPrecision(2))}${unit} (goal ${sign} ${figure.goal})`;
  const label = `<text class="word" x="${labelWidth - 8}" y="${middle}" text-anchor="end">${name}</text>`;
  const value = `<text class="word" x="${labelWidth + plotWidth + 8}" y="${middle}">${said}</text>`;
  if (share === undefined) return label + value;
  const [from, to] = [across(1), across(share)];
  const [x, width] = [Math.min(from, to), Math.max(1, Math.abs(to - from))];
  const look = figure.met === true ? 'met' : 'missed';
  return `${label}<rect class="${look}" x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${barHeight}"/>${value}`;
}

function scale(bottom: number): string {
  const marks = Array.from({ length: 2 * decadesMax + 1 }, (_, index) => index - decadesMax);
  return marks
    .map((decade) => {
      const x = across(10 ** decade);
      const text = decade === 0 ? 'goal' : decade < 0 ? `1/${10 ** -decade}` : `×${10 ** decade}`;
      const line = `<line class="${decade === 0 ? 'goal' : 'grid'}" x1="${x}" x2="${x}" y1="${top - 8}" y2="${bottom}"/>`;
      return `${line}<text class="word" x="${x}" y="${top - 14}" text-anchor="middle">${text}</text>`;
    })
    .join('\n');
}

/** The drawing. Its colours follow the appearance of whoever looks, and whether a goal is met is said by the side of the bar too. */
function drawingOf({ figures }: Report): string {
  const judged = figureNames.flatMap((name) => (figures[name] === undefined || figures[name].goal === null ? [] : [{ name, figure: figures[name] }]));
  const bottom = top + judged.length * rowHeight;
  const width = labelWidth + plotWidth + valueWidth;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 10}" width="${width}" height="${bottom + 10}" role="img">
<title>Figures of the benchmark, as parts of their goals; bars to the left of the line meet them</title>
<style>
.word { font: 12px system-ui, sans-serif; fill: #333; }
.grid { stroke: #ccc; } .goal { stroke: #333; stroke-width: 1.5; }
.met { fill: #2a7f62; } .missed { fill: #b5541c; }
@media (prefers-color-scheme: dark) {
  .word { fill: #ddd; } .grid { stroke: #444; } .goal { stroke: #ddd; }
  .met { fill: #55b894; } .missed { fill: #e08a55; }
}
</style>
<text class="word" x="${across(0.1)}" y="14" text-anchor="middle">better than the goal</text>
<text class="word" x="${across(10)}" y="14" text-anchor="middle">not there yet</text>
${scale(bottom)}
${judged.map(({ name, figure }, row) => bar(name, figure, row)).join('\n')}
</svg>
`;
}

const { positionals, values: flags } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } });
if (positionals.length !== 1) {
  console.error('Name the file that `npm run bench -- --json FILE` wrote: node test/bench/plot.ts FILE [--out SVG]');
  process.exit(1);
}
const out = flags.out ?? join(import.meta.dirname, '..', '..', 'resources', 'figures.svg');
writeFileSync(out, drawingOf(JSON.parse(readFileSync(positionals[0]!, 'utf8')) as Report));

import { extname } from 'node:path';
import type { Rule } from 'eslint';
import { judgeImport } from './floors.ts';
import { importedFiles, importVisitor, projectPath, targetOf } from './imports.ts';

/** The imports that lead from a file back to another, the shortest way, both ends included. */
function pathBetween(start: string, end: string): readonly string[] | undefined {
  const cameFrom = new Map<string, string | undefined>([[start, undefined]]);
  const waiting = [start];
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    if (file === end) {
      const path: string[] = [];
      for (let step: string | undefined = end; step !== undefined; step = cameFrom.get(step)) path.unshift(step);
      return path;
    }
    for (const next of importedFiles(file)) {
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, file);
      waiting.push(next);
    }
  }
  return undefined;
}

/** Holds the floors: imports point down, enter rooms through their index.ts, and never run in a circle. */
export const floorsRule: Rule.RuleModule = {
  meta: { type: 'problem', schema: [], docs: { description: 'Imports point down and enter rooms by their index.ts.' } },
  create(context) {
    const { cwd, filename } = context;
    const source = projectPath(cwd, filename);
    return importVisitor(({ node, specifier }) => {
      const report = (message: string): void => {
        context.report({ node, message });
      };
      if (/^electron(\/|$)/.test(specifier) && !source.startsWith('src-main/shells/electron/')) {
        report('only src-main/shells/electron imports electron');
      }
      const target = targetOf(filename, specifier);
      if (target === undefined) return;
      if (extname(target) === '') {
        report(`"${specifier}" has no extension: Node runs these files as they are and needs it`);
        return;
      }
      const verdict = judgeImport(source, projectPath(cwd, target));
      if (verdict !== undefined) report(verdict);
      const circle = pathBetween(target, filename);
      if (circle !== undefined) {
        report(`import cycle: ${[filename, ...circle].map((file) => projectPath(cwd, file)).join(' → ')}`);
      }
    }) as Rule.RuleListener;
  },
};

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PlantedProject } from './planted-project.ts';

const header = '/** Planted. */\n';

/** Planted files; the reason is what lint must say about the file, null where it must say nothing. */
const planted: readonly { path: string; text: string; rule?: string; reason: RegExp | null }[] = [
  { path: 'src-main/base/index.ts', text: `${header}export const zero = 0;\n`, reason: null },
  { path: 'src-main/contract/index.ts', text: `${header}export const contract = 0;\n`, reason: null },
  { path: 'src-main/blocks/index.ts', text: `${header}export { block } from './block.ts';\n`, reason: null },
  { path: 'src-main/blocks/block.ts', text: 'export const block = 1;\n', reason: null },
  {
    path: 'src-main/tree/downward.ts',
    text: "import { block } from '../blocks/index.ts';\nexport const node = block + 1;\n",
    reason: null,
  },
  {
    path: 'src-main/blocks/upward.ts',
    text: "import { node } from '../tree/index.ts';\nexport const block = node;\n",
    rule: 'house/floors',
    reason: /tree stands on a higher floor than blocks/,
  },
  { path: 'src-main/tree/index.ts', text: `${header}export const node = 2;\n`, reason: null },
  {
    path: 'src-main/format/sideways.ts',
    text: "export { device } from '../device/index.ts';\n",
    rule: 'house/floors',
    reason: /device stands on the same floor as format/,
  },
  { path: 'src-main/device/index.ts', text: `${header}export const device = 3;\n`, reason: null },
  {
    path: 'src-main/tree/deep.ts',
    text: "import { block } from '../blocks/block.ts';\nexport const node = block;\n",
    rule: 'house/floors',
    reason: /is inside another room/,
  },
  {
    path: 'src-main/tree/upward-type.ts',
    text: "export type { Volume } from '../volume/index.ts';\n",
    rule: 'house/floors',
    reason: /volume stands on a higher floor than tree/,
  },
  {
    path: 'src-main/tree/upward-later.ts',
    text: "export const load = (): Promise<unknown> => import('../volume/index.ts');\n",
    rule: 'house/floors',
    reason: /volume stands on a higher floor than tree/,
  },
  { path: 'src-main/volume/index.ts', text: `${header}export interface Volume {\n  readonly id: string;\n}\n`, reason: null },
  {
    path: 'src-main/misc/unknown.ts',
    text: "export { zero } from '../base/index.ts';\n",
    rule: 'house/floors',
    reason: /no room that the table of floors knows/,
  },
  {
    path: 'src-main/files/circle-one.ts',
    text: "import { two } from './circle-two.ts';\nexport const one = (): number => two();\n",
    rule: 'house/floors',
    reason: /import cycle: .*circle-one\.ts → .*circle-two\.ts → .*circle-three\.ts → .*circle-one\.ts/,
  },
  {
    path: 'src-main/files/circle-two.ts',
    text: "import { three } from './circle-three.ts';\nexport const two = (): number => three();\n",
    rule: 'house/floors',
    reason: /import cycle/,
  },
  {
    path: 'src-main/files/circle-three.ts',
    text: "import { one } from './circle-one.ts';\nexport const three = (): number => one();\n",
    rule: 'house/floors',
    reason: /import cycle/,
  },
  {
    path: 'src-main/files/extensionless.ts',
    text: "export { block } from '../blocks/index';\n",
    rule: 'house/floors',
    reason: /no extension/,
  },
  {
    path: 'src-main/engine/electron.ts',
    text: "export { app } from 'electron';\n",
    rule: 'house/floors',
    reason: /only src-main\/shells\/electron imports electron/,
  },
  {
    path: 'src-main/shells/headless/electron.ts',
    text: "export { app } from 'electron';\n",
    rule: 'house/floors',
    reason: /only src-main\/shells\/electron imports electron/,
  },
  { path: 'src-main/shells/electron/window.ts', text: "export { app } from 'electron';\n", reason: null },
  {
    path: 'src-main/tree/clock.ts',
    text: 'export const now = (): number => Date.now();\n',
    rule: 'house/ambient',
    reason: /Date\.now in tree/,
  },
  {
    path: 'src-main/tree/new-date.ts',
    text: 'export const now = (): Date => new Date();\n',
    rule: 'house/ambient',
    reason: /Date in tree/,
  },
  { path: 'src-main/tree/old-date.ts', text: 'export const then = (ms: number): Date => new Date(ms);\n', reason: null },
  {
    path: 'src-main/tree/chance.ts',
    text: 'export const chance = (): number => Math.random();\n',
    rule: 'house/ambient',
    reason: /Math\.random in tree/,
  },
  {
    path: 'src-main/tree/taken-apart.ts',
    text: 'export const { random } = Math;\n',
    rule: 'house/ambient',
    reason: /Math in tree/,
  },
  {
    path: 'src-main/tree/global-this.ts',
    text: 'export const chance = (): number => globalThis.Math.random();\n',
    rule: 'house/ambient',
    reason: /globalThis\.Math in tree/,
  },
  {
    path: 'src-main/engine/timer.ts',
    text: 'export const later = (act: () => void): void => void setTimeout(act, 1);\n',
    rule: 'house/ambient',
    reason: /setTimeout in engine/,
  },
  {
    path: 'src-main/engine/passed-in.ts',
    text:
      'interface Clock {\n  setTimeout(act: () => void): void;\n}\n\n' +
      'export function later(clock: Clock, act: () => void): void {\n  clock.setTimeout(act);\n}\n',
    reason: null,
  },
  {
    path: 'src-main/wire/socket.ts',
    text: "import { connect } from 'node:net';\nexport const open = connect;\n",
    rule: 'house/ambient',
    reason: /node:net in wire/,
  },
  {
    path: 'src-main/volume/file.ts',
    text: "import { openSync } from 'fs';\nexport const open = openSync;\n",
    rule: 'house/ambient',
    reason: /fs in volume/,
  },
  {
    path: 'src-main/pairing/secret.ts',
    text: "import { randomBytes } from 'node:crypto';\nexport const secret = (): Uint8Array => randomBytes(16);\n",
    rule: 'house/ambient',
    reason: /randomness of node:crypto in pairing/,
  },
  {
    path: 'src-main/pairing/hash.ts',
    text: "import { createHash } from 'node:crypto';\nexport const hash = createHash;\n",
    reason: null,
  },
  {
    path: 'src-main/device/file.ts',
    text: "import { openSync } from 'node:fs';\nexport const open = openSync;\n",
    reason: null,
  },
  {
    path: 'src-main/volume/uncoded.ts',
    text: "export function fail(): never {\n  throw new Error('no code');\n}\n",
    rule: 'no-restricted-syntax',
    reason: /MirrorpointError/,
  },
  {
    path: 'src-main/volume/bare.ts',
    text: "export function fail(): never {\n  throw 'no code';\n}\n",
    rule: 'no-restricted-syntax',
    reason: /A bare value carries no code/,
  },
  {
    path: 'src-main/volume/thrown-on.ts',
    text: 'export function fail(kept: unknown): void {\n  if (kept !== undefined) throw kept;\n}\n',
    reason: null,
  },
  {
    path: 'src-renderer/stores/node.ts',
    text: "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;\n",
    rule: 'house/ambient',
    reason: /the renderer has no Node/,
  },
  {
    path: 'src-renderer/stores/engine.ts',
    text: "export { zero } from '../../src-main/base/index.ts';\n",
    rule: 'house/floors',
    reason: /src-renderer may not import src-main\/base/,
  },
  {
    path: 'src-renderer/stores/contract.ts',
    text: "export { contract } from '../../src-main/contract/index.ts';\n",
    reason: null,
  },
  { path: 'src-renderer/stores/index.ts', text: `${header}export const store = 1;\n`, reason: null },
  {
    path: 'src-renderer/components/Planted.vue',
    text:
      "<script setup lang=\"ts\">\nimport { store } from '../stores/index.ts';\n</script>\n\n" +
      '<template>\n  <p>{{ store }}</p>\n</template>\n',
    rule: 'house/floors',
    reason: /stores stands on the same floor as components/,
  },
  {
    path: 'test/tree/inner.test.ts',
    text: "export { node } from '../../src-main/tree/index.ts';\nexport { now } from '../../src-main/tree/clock.ts';\n",
    reason: null,
  },
  {
    path: 'test/volume/inner.test.ts',
    text: "export { now } from '../../src-main/tree/clock.ts';\n",
    rule: 'house/floors',
    reason: /a test of another room enters through its index\.ts/,
  },
  {
    path: 'test/volume/mock.test.ts',
    text: "import { vi } from 'vitest';\nvi.mock('../../src-main/volume/index.ts');\n",
    rule: 'no-restricted-syntax',
    reason: /Own modules are not mocked/,
  },
];

interface FileReport {
  readonly filePath: string;
  readonly messages: readonly { readonly ruleId: string | null; readonly message: string }[];
}

describe('lint holds the floors', () => {
  let project: PlantedProject;
  let reports: readonly FileReport[];

  beforeAll(() => {
    project = new PlantedProject(Object.fromEntries(planted.map(({ path, text }) => [path, text])));
    const run = project.run('eslint/bin/eslint.js', ['.', '--format', 'json']);
    expect(run.status, run.output.slice(0, 2000)).toBe(1);
    reports = JSON.parse(run.output) as FileReport[];
  });

  afterAll(() => {
    project[Symbol.dispose]();
  });

  function complaintsAbout(path: string): readonly string[] {
    const report = reports.find(({ filePath }) => filePath === join(project.folder, path));
    expect(report, `${path} was not linted`).toBeDefined();
    return report!.messages.map(({ ruleId, message }) => `${ruleId ?? 'parser'}: ${message}`);
  }

  for (const { path, rule, reason } of planted) {
    if (reason === null) {
      it(`lets ${path} pass`, () => {
        expect(complaintsAbout(path)).toEqual([]);
      });
    } else {
      it(`refuses ${path}`, () => {
        const complaints = complaintsAbout(path).filter((complaint) => complaint.startsWith(`${rule!}: `));
        expect(complaints).toEqual([expect.stringMatching(reason)]);
      });
    }
  }
});

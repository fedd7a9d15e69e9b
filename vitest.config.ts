import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Folders whose tests work in memory and keep nothing in their modules: they share processes, which saves starting one for each file. */
const inMemory = ['base', 'blocks', 'consistency', 'contract', 'control', 'engine', 'explore', 'files', 'following', 'format', 'pairing', 'preservation', 'replication', 'restore', 'retention', 'serving', 'simulation', 'snapshots', 'tree', 'volume', 'wire'];

/** Files that take minutes. They begin first, so that none of them is left alone at the end. */
const longFiles = ['simulation/simulation', 'simulation/crash-primary', 'volume/scale', 'shells/electron-desktop'].map((name) => `/test/${name}.test.ts`);

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => longFiles.some((name) => moduleId.endsWith(name));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

const inMemoryFiles = inMemory.map((folder) => `test/${folder}/**/*.test.ts`);

export default defineConfig({
  test: {
    // More than the cores of small machines: real processes are waited for much of the time.
    maxWorkers: 3,
    sequence: { sequencer: LongFirst },
    projects: [
      {
        test: {
          name: 'in memory',
          include: inMemoryFiles,
          setupFiles: ['test/setup.ts'],
          environment: 'node',
          pool: 'forks',
          isolate: false,
          // Node runs the sources as they are, which is twice as fast as having them transformed.
          experimental: { viteModuleRunner: false },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [vue()],
        test: {
          name: 'whole',
          include: ['test/**/*.test.ts'],
          exclude: ['**/node_modules/**', 'test/house/fixtures/**', ...inMemoryFiles],
          globalSetup: ['test/program-setup.ts'],
          setupFiles: ['test/setup.ts'],
          environment: 'node',
          pool: 'forks',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});

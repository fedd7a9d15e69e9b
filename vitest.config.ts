import { join } from 'node:path';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Folders whose tests work in memory and keep nothing in their modules: they share processes, which saves starting one for each file. */
const inMemory = ['base', 'blocks', 'consistency', 'contract', 'control', 'engine', 'explore', 'files', 'following', 'format', 'fuzz', 'pairing', 'preservation', 'replication', 'restore', 'retention', 'serving', 'simulation', 'snapshots', 'tree', 'volume', 'wire'];

/** Files that take minutes. They begin first, so that none of them is left alone at the end. */
const longFiles = ['simulation/simulation', 'simulation/crash-primary', 'scenarios/killed-servers', 'volume/scale', 'shells/electron-desktop', 'fuzz/fuzz'].map((name) => `/test/${name}.test.ts`);

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => longFiles.some((name) => moduleId.endsWith(name));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

// Each process that runs tests loads a thousand files: compiled code is kept, as the program keeps its own.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules', '.cache', 'mirrorpoint');

// A tenth of a server's time goes into memory that the system hands out page by page: the C library asks for it in large ones.
process.env.GLIBC_TUNABLES ??= 'glibc.malloc.hugetlb=1';

const inFolders = (...folders: string[]): string[] => folders.map((folder) => `test/${folder}/**/*.test.ts`);

const limits = { setupFiles: ['test/setup.ts'], pool: 'forks' as const, testTimeout: 60_000, hookTimeout: 60_000 };

/** Node runs the sources as they are, which is twice as fast as having them transformed. */
const asTheyAre = { experimental: { viteModuleRunner: false } };

/** Folders whose tests start whole servers, and go through the days of those who run them. */
const scenarios = ['scenarios', 'console'];

/** The program is put together once; files keep in their modules only what is the same for all, such as the console that was built. */
const whole = { globalSetup: ['test/program-setup.ts'], isolate: false };

export default defineConfig({
  test: {
    // More than the cores of small machines: real processes are waited for much of the time.
    maxWorkers: 3,
    sequence: { sequencer: LongFirst },
    projects: [
      { test: { ...limits, ...asTheyAre, name: 'in memory', include: inFolders(...inMemory), isolate: false } },
      { plugins: [vue()], test: { ...limits, name: 'renderer', include: inFolders('renderer') } },
      // Busy machines start and end many processes slowly.
      { test: { ...limits, ...asTheyAre, ...whole, name: 'scenarios', testTimeout: 300_000, include: inFolders(...scenarios) } },
      {
        test: {
          ...limits,
          ...asTheyAre,
          ...whole,
          name: 'whole',
          include: inFolders('**'),
          exclude: ['**/node_modules/**', 'test/house/fixtures/**', ...inFolders('renderer', ...inMemory, ...scenarios)],
        },
      },
    ],
  },
});

import { join } from 'node:path';
import { build } from 'vite';
import type {} from './page-client.ts';

/** The console's client as an expression to run in a page, which leaves it as `pageClient`. */
export async function pageClientText(): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: 'error',
    build: {
      write: false,
      minify: false,
      lib: { entry: join(import.meta.dirname, 'page-client.ts'), formats: ['es'] },
      // As the console is built: a room that the contract leans on has a checksum, which no page runs.
      rolldownOptions: { treeshake: { moduleSideEffects: (id) => !id.includes('/src-main/base/') } },
    },
  });
  const [output] = [built].flat();
  if (output === undefined || !('output' in output)) throw new Error('the client of a page was not built');
  return `(async () => {\n${output.output[0].code}\n})()`;
}

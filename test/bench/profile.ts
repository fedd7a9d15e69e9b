/**
 * Says where the main threads of the servers spent their time, from the
 * profiles that `--profile DIR` of a benchmark has written:
 * `node test/bench/profile.ts DIR`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What V8 writes, as far as it is read here. */
interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string } }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

const linesMax = 16;

/** A room of the project, a package, a part of Node, or what V8 names in brackets, such as its collector of garbage. */
function placeOf({ functionName, url }: CpuProfile['nodes'][number]['callFrame']): string {
  const [, room] = /\/src-main\/([^/]+)\//.exec(url) ?? [];
  if (room !== undefined) return `src-main/${room}`;
  const [, part] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
  if (part !== undefined) return part;
  if (url.startsWith('node:')) return url;
  if (url.startsWith('wasm:')) return 'checksums';
  return url === '' ? functionName || '(native)' : 'others';
}

function print(name: string, { nodes, samples, timeDeltas }: CpuProfile): void {
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const spent = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const place = places.get(id) ?? 'others';
    spent.set(place, (spent.get(place) ?? 0) + timeDeltas[index]!);
  }
  const idle = spent.get('(idle)') ?? 0;
  spent.delete('(idle)');
  const busy = [...spent.values()].reduce((sum, one) => sum + one, 0);
  console.log(`${name}: busy for ${(busy / 1e6).toFixed(2)} s of ${((busy + idle) / 1e6).toFixed(2)} s`);
  for (const [place, microseconds] of [...spent].sort((a, b) => b[1] - a[1]).slice(0, linesMax)) {
    console.log(`${((100 * microseconds) / busy).toFixed(1).padStart(8)} %  ${place}`);
  }
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('Name the folder of the profiles: node test/bench/profile.ts DIR');
  process.exit(2);
}
for (const file of readdirSync(folder)) print(file, JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile);

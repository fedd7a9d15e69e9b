import type { MirrorpointClient, RootChoice } from '../../src-main/contract/index.ts';
import { bytesOf } from './own-files.ts';

const readBytes = 1 << 20;

/** What stood under the names of a client's folder when it was taken down. */
export interface Expected {
  readonly folder: string;
  readonly contents: ReadonlyMap<string, ReadonlySet<string>>;
}

async function readWhole(client: MirrorpointClient, at: { volume: string; at: RootChoice; path: string }): Promise<Buffer> {
  const { readId, sizeBytes } = await client.files.openRead(at);
  const content = sizeBytes === 0 ? new Blob() : await client.files.read({ readId, offsetBytes: 0, lengthBytes: readBytes });
  await client.files.closeRead({ readId });
  return Buffer.from(await content.arrayBuffer());
}

/** Compares one state of a volume with what it has to hold; returns what is wrong. */
export async function faultsOf(client: MirrorpointClient, state: { volume: string; at: RootChoice }, expected: readonly Expected[]): Promise<string[]> {
  const faults: string[] = [];
  for (const { folder, contents } of expected) {
    const { entries } = await client.files.list({ ...state, path: `/${folder}` });
    const names = new Set(entries.map(({ name }) => name).filter((name) => !name.startsWith('.')));
    for (const name of new Set([...names, ...contents.keys()])) {
      const path = `/${folder}/${name}`;
      const found = names.has(name) ? await readWhole(client, { ...state, path }) : undefined;
      const allowed = [...(contents.get(name) ?? [''])].map(bytesOf);
      if (allowed.some((bytes) => (bytes === undefined ? found === undefined : found?.equals(bytes) === true))) continue;
      faults.push(`${JSON.stringify(state)} ${path}: ${found === undefined ? 'is missing' : 'holds what was never acknowledged, or no longer'}`);
    }
  }
  return faults;
}

/** A full check; returns what it finds. */
export async function checkOf(client: MirrorpointClient, volume: string): Promise<string[]> {
  const faults: string[] = [];
  for await (const event of await client.volumes.check({ volume })) {
    if (event.type === 'done') faults.push(...event.problems.map(({ message }) => `check of ${volume}: ${message}`));
  }
  return faults;
}

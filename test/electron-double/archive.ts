import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A file of an archive, as its header has it. */
export interface ArchivedFile {
  readonly path: string;
  readonly bytes: Buffer;
  readonly integrity: { readonly algorithm: string; readonly hash: string } | undefined;
}

interface Node {
  readonly files?: Readonly<Record<string, Node>>;
  readonly size?: number;
  readonly offset?: string;
  readonly integrity?: ArchivedFile['integrity'];
}

/**
 * The files of an asar archive. It begins with the lengths of its header, which
 * is JSON; then come the files, one after another
 * (https://github.com/electron/asar, Format).
 */
export function archivedFiles(path: string): readonly ArchivedFile[] {
  const archive = readFileSync(path);
  const contentAt = 8 + archive.readUInt32LE(4);
  const header = JSON.parse(archive.toString('utf8', 16, 16 + archive.readUInt32LE(12))) as Node;
  const below = (node: Node, at: string): ArchivedFile[] => {
    if (node.files !== undefined) return Object.entries(node.files).flatMap(([name, part]) => below(part, at === '' ? name : `${at}/${name}`));
    const start = contentAt + Number(node.offset);
    return [{ path: at, bytes: archive.subarray(start, start + (node.size ?? 0)), integrity: node.integrity }];
  };
  return below(header, '');
}

/** Puts the files of an archive into a folder. */
export function extractArchive(path: string, folder: string): void {
  for (const { path: at, bytes } of archivedFiles(path)) {
    mkdirSync(dirname(join(folder, at)), { recursive: true });
    writeFileSync(join(folder, at), bytes);
  }
}

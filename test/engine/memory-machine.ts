import { isAbsolute, join, dirname } from 'node:path/posix';
import { MirrorpointError } from '../../src-main/base/index.ts';
import { folderEntriesMax, type MachineFolder } from '../../src-main/contract/index.ts';
import type { DriveFacts, MachinePort } from '../../src-main/engine/index.ts';

/** A machine in memory: the drives that a test attaches, and folders of nothing but names. */
export class MemoryMachine implements MachinePort {
  readonly attached: DriveFacts[] = [];
  readonly home = '/home';
  /** Sizes of files by their paths; undefined for a folder. */
  readonly #entries = new Map<string, number | undefined>([['/home', undefined]]);

  /** Attaches a drive; another one at that path is taken away. */
  attach(path: string, facts: Partial<DriveFacts> = {}): void {
    const at = this.attached.findIndex((drive) => drive.path === path);
    if (at >= 0) this.attached.splice(at, 1);
    this.attached.push({
      path,
      model: '',
      serial: '',
      sizeBytes: 64 << 20,
      connection: 'sata',
      isReadOnly: false,
      holdsSystem: false,
      look: { kind: 'seen', isClaimed: false, token: `${path} as it was` },
      knownAs: [path],
      ...facts,
    });
  }

  add(path: string, sizeBytes?: number): void {
    this.#entries.set(path, sizeBytes);
  }

  tokenOf(path: string): string | undefined {
    const look = this.attached.find((drive) => drive.path === path)?.look;
    return look?.kind === 'seen' ? look.token : undefined;
  }

  drives(asked: readonly string[]): Promise<readonly DriveFacts[]> {
    return Promise.resolve(this.attached.map((drive) => ({ ...drive, knownAs: drive.knownAs.filter((path) => asked.includes(path)) })));
  }

  async folder(path = this.home): Promise<MachineFolder> {
    if (!isAbsolute(path)) throw new MirrorpointError('argument-invalid', `${path} is not absolute.`);
    if (!this.#entries.has(path) && path !== '/') throw new MirrorpointError('not-found', `There is no ${path}.`);
    if (this.#entries.get(path) !== undefined) throw new MirrorpointError('not-a-directory', `${path} is a file.`);
    const inside = [...this.#entries].filter(([entry]) => dirname(entry) === path && entry !== path);
    const entries = inside
      .map(([entry, sizeBytes]): MachineFolder['entries'][number] => {
        return { name: entry.slice(dirname(entry).length).replace('/', ''), path: entry, kind: sizeBytes === undefined ? 'directory' : 'file', sizeBytes: sizeBytes ?? 0 };
      })
      .sort((one, other) => one.kind.localeCompare(other.kind) || one.name.localeCompare(other.name, 'en', { numeric: true }));
    return {
      path,
      ...(path !== '/' && { parent: join(path, '..') }),
      entries: entries.slice(0, folderEntriesMax),
      more: entries.length > folderEntriesMax,
      freeBytes: 1 << 30,
      isWritable: true,
    };
  }
}

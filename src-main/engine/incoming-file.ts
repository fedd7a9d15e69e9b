import { isFault, MirrorpointError, Mutex } from '../base/index.ts';
import { childPath, type CollisionChoice, splitPath, writeChunkBytesMax } from '../contract/index.ts';
import { freeNamesTriedMax, nameBeside, planEntry } from '../restore/index.ts';
import { makeDurable } from './durable.ts';
import { existingEntry, inodeAt } from './readable-root.ts';
import type { OpenPrimary } from './volume-opening.ts';
import { type EntryAttributes, type FileInParts, VolumeWriter } from './volume-writer.ts';

export interface IncomingRequest {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs?: number | undefined;
  /** What to do where something of the name is; a fault when it is left out. */
  readonly collision?: CollisionChoice | undefined;
}

interface Place {
  readonly folder: string;
  readonly parent: number;
  readonly name: string;
}

/**
 * A file that a caller brings into a volume part by part. Until its end it has
 * a name of its own, and what came of it is removed when it does not get there.
 */
export class IncomingFile implements AsyncDisposable {
  readonly volume: string;
  readonly #open: OpenPrimary;
  readonly #writer: VolumeWriter;
  readonly #request: IncomingRequest;
  readonly #place: Place;
  readonly #attributes: EntryAttributes;
  /** Undefined for what is there, and is to stay. */
  readonly #file: FileInParts | undefined;
  /** Parts are taken in one by one. */
  readonly #parts = new Mutex();
  #endBytes = 0;
  #closing: Promise<void> | undefined;

  private constructor(open: OpenPrimary, parts: { writer: VolumeWriter; request: IncomingRequest; place: Place; attributes: EntryAttributes; file: FileInParts | undefined }) {
    this.volume = open.name;
    this.#open = open;
    this.#writer = parts.writer;
    this.#request = parts.request;
    this.#place = parts.place;
    this.#attributes = parts.attributes;
    this.#file = parts.file;
  }

  /** Throws `not-found` where the folder is missing, `exists` and `is-a-directory` where the name is taken. */
  static async begin(open: OpenPrimary, request: IncomingRequest): Promise<IncomingFile> {
    const at = splitPath(request.path);
    if (at === undefined) throw new MirrorpointError('is-a-directory', `A file cannot take the place of the root of volume ${open.name}. Name a path in it.`);
    await using opening = new AsyncDisposableStack();
    const writer = opening.use(new VolumeWriter(open));
    const parent = await writer.keep((files) => inodeAt(files, at.folder, { follow: true }));
    const existing = await open.volume.query((files) => existingEntry(files, parent, at.name));
    const attributes = newAttributes(request, existing?.kind === 'file' ? existing : undefined);
    const incoming = { ...attributes, kind: 'file' as const, sizeBytes: request.sizeBytes, modifiedNs: attributes.modifiedNs ?? 0n };
    const step = planEntry(incoming, existing, { choice: request.collision ?? 'refuse', leavesSame: false, timeGrainNs: 1n });
    if (step.do === 'refuse') {
      throw new MirrorpointError(step.code, `${open.name}:${request.path} was not brought in: ${step.why}. Say what to do with the two, or choose another name.`);
    }
    const place = { ...at, parent };
    const file = step.do === 'leave' ? undefined : opening.use(await writer.openFile(place));
    opening.move();
    return new IncomingFile(open, { writer, request, place, attributes, file });
  }

  get isSkipped(): boolean {
    return this.#file === undefined;
  }

  /** Takes the next part in. Throws `argument-invalid` for one that cannot come now. */
  write(offsetBytes: number, content: Blob): Promise<void> {
    return this.#parts.run(async () => {
      const { path, sizeBytes } = this.#request;
      const endBytes = offsetBytes + content.size;
      if (content.size > writeChunkBytesMax || offsetBytes < this.#endBytes || endBytes > sizeBytes || this.#closing !== undefined) {
        throw new MirrorpointError(
          'argument-invalid',
          `A part of ${this.volume}:${path} was refused: ${content.size} bytes at ${offsetBytes}. Parts have at most ${writeChunkBytesMax} bytes, and come in rising order from ${this.#endBytes} to ${sizeBytes}.`,
        );
      }
      await this.#file?.write(offsetBytes, new Uint8Array(await content.arrayBuffer()));
      this.#endBytes = endBytes;
    });
  }

  /** Gives the file its name, durably. Throws `source-changed` when not all of it has come. */
  end(): Promise<{ path: string; isSkipped: boolean }> {
    return this.#parts.run(async () => {
      const { path, sizeBytes } = this.#request;
      if (this.#file === undefined) return { path, isSkipped: true };
      if (this.#endBytes !== sizeBytes) {
        throw new MirrorpointError('source-changed', `${this.#endBytes} of the ${sizeBytes} bytes of ${this.volume}:${path} came, and nothing was stored. Bring the file in again.`);
      }
      await this.#file.finish(sizeBytes, this.#attributes);
      const name = await this.#takeName(this.#file);
      await makeDurable(this.#open.volume);
      return { path: name === undefined ? path : childPath(this.#place.folder, name), isSkipped: name === undefined };
    });
  }

  /** Removes what came of it, unless it has its name. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#parts.run(async () => {
      await this.#file?.close();
      await this.#writer[Symbol.asyncDispose]();
    });
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Resolves to the name that the file has now; undefined when what came meanwhile is to stay. */
  async #takeName(file: FileInParts): Promise<string | undefined> {
    const { name } = this.#place;
    const { collision } = this.#request;
    const namesMax = collision === 'keep-both' ? freeNamesTriedMax : 0;
    for (let attempt = 0; ; attempt++) {
      const tried = attempt === 0 ? name : nameBeside(name, { attempt, isFolder: false, kind: 'numbered' });
      try {
        await file.name(tried, { replace: collision === 'replace' });
        return tried;
      } catch (fault) {
        if (!isFault(fault, 'exists')) throw fault;
        if (collision === 'skip') return undefined;
        if (attempt >= namesMax) throw fault;
      }
    }
  }
}

/** A file that takes the place of another keeps its mode and owner. */
function newAttributes({ modifiedMs }: IncomingRequest, replaced: EntryAttributes | undefined): EntryAttributes {
  const { mode, uid, gid } = replaced ?? { mode: 0o644, uid: 0, gid: 0 };
  return { mode, uid, gid, ...(modifiedMs !== undefined && { modifiedNs: BigInt(Math.round(modifiedMs * 1000)) * 1000n }) };
}

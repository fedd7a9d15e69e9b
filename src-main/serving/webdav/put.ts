import { isFault } from '../../base/index.ts';
import { type Attributes, type AttributeChanges, changeBlocks, type LiveFiles } from '../../files/index.ts';
import type { ServedFiles } from '../served-files.ts';
import { copyExtendedAttributes } from './tree-copy.ts';
import { type DavReply, emptyReply } from './exchange.ts';
import { waitingBytesMax, writeBytes } from './limits.ts';
import { DavRefusal } from './refusal.ts';
import { type Entry, entryOf, etagOf, findEntry } from './resources.ts';
import { checkLocks, checkMembership, currentAt, judgeChange, refuseChanged, refuseReadOnly, type Scene, type Submitted } from './scene.ts';

const newFile = { mode: 0o644, uid: 0, gid: 0 } as const;

/**
 * PUT: the file has its name when all of it is there, and the one that had it
 * before until then. A client that goes away leaves nothing.
 */
export async function answerPut(scene: Scene): Promise<DavReply> {
  const { request, spot, files } = scene;
  if (request.headers['content-range'] !== undefined) {
    throw new DavRefusal(400, 'A PUT with Content-Range would replace a part of a file, which is not done. Send the whole file.');
  }
  await refuseReadOnly(scene);
  const submitted = await judgeChange(scene);
  const entry = await files.query((reader) => entryOf(reader, spot.inner));
  const found = await files.query((reader) => currentAt(reader, spot));
  if (found?.kind === 'directory' || spot.isFolder) throw new DavRefusal(405, 'A folder cannot be replaced by a file. Choose another name, or make a folder by MKCOL.');
  checkMayPlace(scene, submitted, found);
  await scene.share.staging.beside(files, async (temporary) => {
    const incoming = new IncomingContent(files, temporary);
    try {
      await incoming.take(request.body, () => {
        scene.share.checkOpen();
      });
      await incoming.finish(found, modifiedAt(request.headers['x-oc-mtime']));
      // The lock of another may have come meanwhile.
      checkMayPlace(scene, submitted, found);
      await files.change(changeBlocks.rename, (live) => {
        refuseChanged(scene, live, found);
        live.rename(temporary, entry);
      });
    } catch (fault) {
      await incoming.abandon();
      throw isFault(fault, 'is-a-directory') ? new DavRefusal(405, fault.message) : fault;
    } finally {
      await incoming.close();
    }
  });
  const placed = await files.query((reader) => findEntry(reader, entry));
  const told: Record<string, string> = placed === undefined ? {} : { etag: etagOf(placed) };
  if (request.headers['x-oc-mtime'] !== undefined) told['x-oc-mtime'] = 'accepted';
  return emptyReply(found === undefined ? 201 : 204, told);
}

function checkMayPlace(scene: Scene, submitted: Submitted, found: Attributes | undefined): void {
  checkLocks(scene, scene.spot, submitted);
  if (found === undefined) checkMembership(scene, scene.spot, submitted);
}

/** The time of the file at the client, in seconds, which some clients tell. */
function modifiedAt(header: string | undefined): AttributeChanges {
  return header !== undefined && /^[0-9]{1,11}$/.test(header) ? { modifiedNs: BigInt(header) * 1_000_000_000n } : {};
}

/** Content on its way into a file out of sight. */
class IncomingContent {
  readonly #files: ServedFiles;
  readonly #place: Entry;
  readonly #blockSizeBytes: number;
  readonly #buffer = new PartBuffer();
  #ino: number | undefined;
  #sizeBytes = 0;
  /** What came before this offset is on its way to the devices, so that a large file takes little memory. */
  #settlingBytes = 0;
  #settling: Promise<void> | undefined;

  constructor(files: ServedFiles, place: Entry) {
    this.#files = files;
    this.#place = place;
    this.#blockSizeBytes = files.capacity().blockSizeBytes;
  }

  async take(body: AsyncIterable<Uint8Array>, checkOpen: () => void): Promise<void> {
    for await (const part of body) {
      checkOpen();
      let rest = part;
      while (rest.length > 0) {
        rest = this.#buffer.fill(rest);
        if (this.#buffer.isFull) await this.#write();
      }
    }
    await this.#write();
  }

  /** Gives it what the file has that it replaces, and its time. */
  async finish(replaced: Attributes | undefined, times: AttributeChanges): Promise<void> {
    const ino = this.#ino!;
    if (replaced === undefined && times.modifiedNs === undefined) return;
    const { mode, uid, gid } = replaced ?? newFile;
    if (replaced !== undefined) await copyExtendedAttributes({ files: this.#files, ino: replaced.ino }, { files: this.#files, ino });
    await this.#files.change(changeBlocks.setAttributes, (live) => {
      live.setAttributes(ino, { mode, uid, gid, ...times });
    });
  }

  async abandon(): Promise<void> {
    if (this.#ino === undefined) return;
    try {
      await this.#files.change(changeBlocks.remove, (live) => {
        live.unlink(this.#place.parent, this.#place.name);
      }, { frees: true });
    } catch (fault) {
      // It goes when the folder out of sight is swept the next time.
      if (!isFault(fault)) throw fault;
    }
  }

  async close(): Promise<void> {
    await this.#settling?.catch(() => undefined);
    if (this.#ino !== undefined) await this.#files.release(this.#ino);
  }

  async #write(): Promise<void> {
    const bytes = this.#buffer.content;
    const offsetBytes = this.#sizeBytes;
    const costBlocks = changeBlocks.write(bytes.length, this.#blockSizeBytes);
    const known = this.#ino;
    const write = (live: LiveFiles, ino: number): number => {
      live.write(ino, offsetBytes, bytes);
      return ino;
    };
    if (known !== undefined) await this.#files.change(costBlocks, (live) => write(live, known));
    else {
      // Nothing of a new file has to be read, so that it is made and written in one step.
      this.#ino = await this.#files.hold(changeBlocks.create + costBlocks, (live) => write(live, live.createFile(this.#place.parent, this.#place.name, newFile)));
    }
    this.#sizeBytes += bytes.length;
    this.#buffer.clear();
    if (this.#sizeBytes - this.#settlingBytes < waitingBytesMax) return;
    await this.#settling;
    this.#settlingBytes = this.#sizeBytes;
    this.#settling = this.#files.sync();
    // A fault of it is met where it is waited for.
    this.#settling.catch(() => undefined);
  }
}

/** Gathers small parts, so that one change of the volume takes up many of them. It grows with what comes. */
class PartBuffer {
  #bytes = new Uint8Array(64 * 1024);
  #length = 0;

  get isFull(): boolean {
    return this.#length === writeBytes;
  }

  get content(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Takes what fits; returns the rest. */
  fill(part: Uint8Array): Uint8Array {
    const wanted = Math.min(writeBytes, this.#length + part.length);
    if (wanted > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(writeBytes, Math.max(wanted, 4 * this.#bytes.length)));
      grown.set(this.content);
      this.#bytes = grown;
    }
    this.#bytes.set(part.subarray(0, wanted - this.#length), this.#length);
    const taken = wanted - this.#length;
    this.#length = wanted;
    return part.subarray(taken);
  }

  clear(): void {
    this.#length = 0;
  }
}

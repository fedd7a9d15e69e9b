import { isFault, MirrorpointError, present } from '../base/index.ts';
import { FileChanges } from './file-changes.ts';
import { describeOperation, type Operation } from './operation.ts';

/** The live file system: what a reader can do, changes, and the replay of recorded changes at recovery. */
export class LiveFiles extends FileChanges {
  /**
   * Applies a recorded operation again, and logs nothing. What it yields must be what was
   * recorded; else the journal does not belong to this state (`volume-damaged`).
   */
  replay(operation: Operation): void {
    this.recorded = {
      nowNs: 'nowNs' in operation ? operation.nowNs : 0n,
      released: 'released' in operation ? operation.released : false,
    };
    try {
      this.#apply(operation);
    } catch (thrown) {
      if (isFault(thrown)) disagrees(operation, thrown.message, thrown);
      throw thrown;
    } finally {
      this.recorded = undefined;
    }
  }

  #apply(operation: Operation): void {
    switch (operation.kind) {
      case 'createFile':
        expectInode(operation, this.createFile(operation.parent, operation.name, operation));
        break;
      case 'makeDirectory':
        expectInode(operation, this.makeDirectory(operation.parent, operation.name, operation));
        break;
      case 'symlink':
        expectInode(operation, this.symlink(operation.parent, operation.name, operation.target, operation));
        break;
      case 'link':
        this.link(operation.ino, operation.parent, operation.name);
        break;
      case 'unlink':
        this.unlink(operation.parent, operation.name);
        break;
      case 'removeDirectory':
        this.removeDirectory(operation.parent, operation.name);
        break;
      case 'rename':
        this.rename(operation, { parent: operation.toParent, name: operation.toName }, { exchange: operation.exchange });
        break;
      case 'setAttributes':
        this.setAttributes(operation.ino, operation.changes);
        break;
      case 'setExtendedAttribute':
        this.setExtendedAttribute(operation.ino, operation.name, operation.value);
        expectInode({ ...operation, ino: operation.attributesInode }, this.inode(operation.ino).fields.attributesInode);
        break;
      case 'removeExtendedAttribute':
        this.removeExtendedAttribute(operation.ino, operation.name);
        break;
      case 'shrinkOrphan':
        this.shrinkOrphan(operation.ino, operation.sizeBytes);
        break;
      case 'release':
        this.releaseOrphan(operation.ino);
        break;
      default:
        this.#applyContent(operation);
    }
  }

  #applyContent(operation: Extract<Operation, { kind: 'write' | 'truncate' | 'punchHole' }>): void {
    switch (operation.kind) {
      case 'write':
        this.write(operation.ino, operation.offsetBytes, present(operation.data, 'data of a recorded write'));
        break;
      case 'truncate':
        this.truncate(operation.ino, operation.sizeBytes);
        break;
      case 'punchHole':
        this.punchHole(operation.ino, operation.offsetBytes, operation.lengthBytes);
    }
  }
}

function expectInode(operation: Operation & { ino: number }, ino: number): void {
  if (ino !== operation.ino) disagrees(operation, `it took inode ${ino}`);
}

function disagrees(operation: Operation, why: string, cause?: unknown): never {
  throw new MirrorpointError(
    'volume-damaged',
    `The request "${describeOperation(operation)}" of the journal does not fit the volume: ${why}. ` +
      'Run `mirrorpoint volume check` on the volume; requests after its last consistency point may be lost.',
    { cause },
  );
}

import { type Clock, isFault, MirrorpointError, type RandomSource } from '../../base/index.ts';
import type { ServedFiles, ServedStates } from '../served-files.ts';
import { parseAddress } from './address.ts';
import { answerCopy, answerMove } from './copy-move.ts';
import { type DavAnswer, type DavReply, type DavRequest, emptyReply } from './exchange.ts';
import { answerDelete, answerMkcol } from './folder-methods.ts';
import { answerGet } from './get.ts';
import { requestsMax } from './limits.ts';
import { answerLock, answerUnlock } from './lock-methods.ts';
import { ShareLocks } from './locks.ts';
import { answerSnapshots } from './made-folders.ts';
import { answerPropfind } from './propfind.ts';
import { answerProppatch } from './proppatch.ts';
import { answerPut } from './put.ts';
import { DavRefusal, replyOf } from './refusal.ts';
import { roomyFiles } from './roomy-files.ts';
import { isHidden, type Scene, type SharePart, type Spot, spotOf } from './scene.ts';
import { Staging, stagingName } from './staging.ts';

interface Method {
  readonly answer: (scene: Scene) => Promise<DavReply>;
  readonly isChange: boolean;
}

const methods: Readonly<Record<string, Method>> = {
  GET: { answer: answerGet, isChange: false },
  HEAD: { answer: answerGet, isChange: false },
  PROPFIND: { answer: answerPropfind, isChange: false },
  PUT: { answer: answerPut, isChange: true },
  DELETE: { answer: answerDelete, isChange: true },
  MKCOL: { answer: answerMkcol, isChange: true },
  COPY: { answer: answerCopy, isChange: true },
  MOVE: { answer: answerMove, isChange: true },
  PROPPATCH: { answer: answerProppatch, isChange: true },
  LOCK: { answer: answerLock, isChange: true },
  UNLOCK: { answer: answerUnlock, isChange: true },
};

/** What a client is told that it can ask; `MS-Author-Via` is what Windows looks for. */
export const davOptions: Readonly<Record<string, string>> = {
  dav: '1, 2',
  allow: ['OPTIONS', ...Object.keys(methods)].join(', '),
  'ms-author-via': 'DAV',
};

interface Task {
  readonly request: DavRequest;
  readonly isChange: boolean;
  readonly ended: Promise<void>;
}

/**
 * A volume as a folder of WebDAV (RFC 4918, classes 1 and 2). It answers
 * requests until it is closed, and then ends those that are under way.
 */
export class DavShare implements AsyncDisposable {
  readonly #part: SharePart;
  readonly #tasks = new Set<Task>();
  #isEnding = false;
  #closing: Promise<void> | undefined;

  constructor(options: { states: ServedStates; clock: Clock; random: RandomSource }) {
    const { states, clock, random } = options;
    const staging = new Staging({ states, clock, random });
    const name = states.volume;
    this.#part = {
      name,
      staging,
      locks: new ShareLocks({ share: name, clock, random }),
      states: {
        volume: name,
        openCurrent: async () => roomyFiles(await states.openCurrent(), staging),
        openSnapshot: (snapshot) => states.openSnapshot(snapshot),
        listSnapshots: (page) => states.listSnapshots(page),
      },
      checkOpen: () => {
        if (this.#isEnding) throw ended(name);
      },
    };
    // What a server that was killed left out of sight.
    staging.sweep();
  }

  /** Requests that are being answered. */
  get taskCount(): number {
    return this.#tasks.size;
  }

  get lockCount(): number {
    return this.#part.locks.count;
  }

  /** What clients removed, or left half done, is gone. */
  async settled(): Promise<void> {
    while (await this.#part.staging.settled());
  }

  async answer(request: DavRequest): Promise<DavAnswer> {
    const done = Promise.withResolvers<undefined>();
    const task = { request, isChange: methods[request.method]?.isChange ?? false, ended: done.promise };
    const open: ServedFiles[] = [];
    const close = async (): Promise<void> => {
      for (const files of open.splice(0)) await files[Symbol.asyncDispose]();
      this.#tasks.delete(task);
      done.resolve(undefined);
    };
    try {
      this.#admit(task);
      const reply = await this.#reply(request, open);
      const isStream = reply.body !== undefined && !(reply.body instanceof Uint8Array);
      if (!isStream) await close();
      return { ...reply, close };
    } catch (fault) {
      await close();
      if (!isFault(fault)) throw fault;
      return { ...replyOf(fault), close };
    }
  }

  /** Ends what changes the volume, so that nothing half done is left in it; what comes then is answered again. */
  async endChanges(): Promise<void> {
    this.#isEnding = true;
    try {
      await this.#end([...this.#tasks].filter(({ isChange }) => isChange));
    } finally {
      this.#isEnding = this.#closing !== undefined;
    }
  }

  /** Ends every request. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#isEnding = true;
    await this.#end([...this.#tasks]);
    await this.#part.staging[Symbol.asyncDispose]();
  }

  async #end(tasks: readonly Task[]): Promise<void> {
    for (const { request } of tasks) request.drop();
    for (const task of tasks) await task.ended;
  }

  #admit(task: Task): void {
    this.#part.checkOpen();
    if (this.#tasks.size >= requestsMax) {
      throw new DavRefusal(503, `The share ${this.#part.name} answers ${requestsMax} requests at a time at most. Try again in a moment.`, { headers: { 'retry-after': '1' } });
    }
    this.#tasks.add(task);
  }

  async #reply(request: DavRequest, open: ServedFiles[]): Promise<DavReply> {
    const { name, states } = this.#part;
    if (request.method === 'OPTIONS') return emptyReply(200, davOptions);
    const method = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined;
    if (method === undefined) throw new DavRefusal(405, `${request.method.slice(0, 20)} is not a method of this share.`, { code: 'unsupported', headers: { allow: davOptions.allow ?? '' } });
    const spot = spotOf(parseAddress(request.target));
    // Copying changes the place that is copied to.
    if (method.isChange && !request.mayWrite) throw new DavRefusal(403, `${request.user} may read the share ${name}, and not change it. Ask its administrator.`, { code: 'not-permitted' });
    if (spot.state === 'snapshots') return answerSnapshots(request, name, states);
    if (method.isChange && isHidden(spot)) throw new DavRefusal(403, `${stagingName} is the server's own. Choose another name.`, { code: 'not-permitted' });
    const files = await this.#open(spot);
    open.push(files);
    return method.answer({ share: this.#part, request, spot, files });
  }

  #open({ state }: Spot): Promise<ServedFiles> {
    const { states } = this.#part;
    return typeof state === 'object' ? states.openSnapshot(state.snapshot) : states.openCurrent();
  }
}

function ended(name: string): MirrorpointError {
  return new MirrorpointError('cancelled', `The share ${name} is being closed, or its volume changes its role. Try again in a moment.`);
}

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type ErrorCode, formatBytes, isFault, MirrorpointError, reasonOf } from '../../base/index.ts';
import { counted, parseDownload } from '../../contract/index.ts';
import { Download, type ProcedureContext } from '../../engine/index.ts';
import { asAttachment, type ByteRange, entityTag, namesTag, parseRange } from './download-headers.ts';
import { ZipArchive } from './zip-archive.ts';

const statusOfCode: Partial<Record<ErrorCode, number>> = {
  'argument-invalid': 400,
  'path-escapes': 400,
  'not-found': 404,
  'volume-not-found': 404,
  'snapshot-not-found': 404,
  'peer-unknown': 403,
  'peer-revoked': 403,
  'link-closed': 502,
  'link-refused': 502,
  'link-timeout': 504,
};

/** What is fetched is stored, and neither looked at nor run where it comes from. */
const guardHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'private, no-cache',
};

/** What a job is given to send by, and how much it is. */
interface Sending {
  /** The job that is seen, as far as it is needed here. */
  readonly counts: { files: number; bytes: number; filesTotal?: number | undefined; bytesTotal?: number | undefined; current?: string | undefined };
  checkCancelled(): void;
  /** Resolves when the bytes are needed no longer. Throws when nobody takes them any more. */
  write(bytes: Uint8Array): Promise<void>;
}

/**
 * Answers a browser that fetches files, which the caller has let in before: one
 * file as it is, or in parts; anything else as an archive. A fault before the
 * first byte is an answer; later it breaks the connection, so that no part is
 * taken for the whole. Never rejects.
 */
export async function handleDownload(request: IncomingMessage, response: ServerResponse, context: ProcedureContext): Promise<void> {
  const { method = '' } = request;
  if (method !== 'GET' && method !== 'HEAD') {
    refuse(response, { status: 405, text: `Files are fetched by GET, not by ${method}.`, headers: { allow: 'GET, HEAD' } });
    return;
  }
  try {
    const [, query = ''] = (request.url ?? '').split('?');
    const from = parseDownload(new URLSearchParams(query).get('what') ?? '');
    if (from === undefined) throw new MirrorpointError('argument-invalid', 'The address names nothing that could be fetched. Begin the download in the console again.');
    await using download = await Download.open(context, from);
    await (download.file === undefined ? answerArchive(request, response, { context, download }) : answerFile(request, response, { context, download }));
  } catch (fault) {
    if (!isFault(fault)) {
      response.destroy();
      const text = fault instanceof Error ? (fault.stack ?? fault.message) : reasonOf(fault);
      context.engine.events.add('server', `A fault in the program: ${text}`, { level: 'problem' });
    } else if (response.headersSent || response.destroyed) response.destroy();
    else refuse(response, { status: statusOfCode[fault.code] ?? 500, text: `${fault.message} [${fault.code}]` });
  }
}

interface Answering {
  readonly context: ProcedureContext;
  readonly download: Download;
}

async function answerFile(request: IncomingMessage, response: ServerResponse, { context, download }: Answering): Promise<void> {
  const { name } = download;
  const entry = download.file!;
  const { sizeBytes } = entry;
  const tag = entityTag(entry);
  const headers = { ...guardHeaders, etag: tag, 'accept-ranges': 'bytes', 'content-type': 'application/octet-stream', 'content-disposition': asAttachment(name) };
  const { range: asked, 'if-range': only, 'if-none-match': known } = request.headers;
  if (known !== undefined && namesTag(known, tag)) {
    response.writeHead(304, headers).end();
    return;
  }
  // A part is of use only to whoever has the rest of the same content.
  const range = only === undefined || only === tag ? parseRange(asked, sizeBytes) : undefined;
  if (range === 'unsatisfiable') {
    refuse(response, { status: 416, text: `The file has ${sizeBytes} bytes.`, headers: { 'content-range': `bytes */${sizeBytes}` } });
    return;
  }
  const part: ByteRange = range ?? { startBytes: 0, endBytes: sizeBytes };
  const lengthBytes = part.endBytes - part.startBytes;
  const more = range && { 'content-range': `bytes ${part.startBytes}-${part.endBytes - 1}/${sizeBytes}` };
  const head = (): void => void response.writeHead(range === undefined ? 200 : 206, { ...headers, ...more, 'content-length': lengthBytes });
  if (request.method === 'HEAD') {
    head();
    response.end();
    return;
  }
  await send(response, { context, download }, async (sending) => {
    Object.assign(sending.counts, { filesTotal: 1, bytesTotal: lengthBytes, current: name });
    head();
    for await (const piece of download.content(name, entry, part)) {
      await sending.write(piece);
      sending.counts.bytes += piece.length;
    }
    sending.counts.files = 1;
  });
}

async function answerArchive(request: IncomingMessage, response: ServerResponse, { context, download }: Answering): Promise<void> {
  const headers = { ...guardHeaders, 'content-type': 'application/zip', 'content-disposition': asAttachment(`${download.name}.zip`) };
  if (request.method === 'HEAD') {
    response.writeHead(200, headers).end();
    return;
  }
  await send(response, { context, download }, async (sending) => {
    response.writeHead(200, headers);
    const running = { isOver: false };
    const measuring = tellTotal(download, sending, () => !running.isOver);
    try {
      await writeArchive(download, sending);
    } finally {
      running.isOver = true;
      await measuring;
    }
  });
}

async function writeArchive(download: Download, sending: Sending): Promise<void> {
  const { counts } = sending;
  const archive = new ZipArchive((bytes) => sending.write(bytes));
  const counting = async function* (pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    for await (const piece of pieces) {
      sending.checkCancelled();
      yield piece;
      counts.bytes += piece.length;
    }
  };
  for await (const { name, entry } of download.entries()) {
    sending.checkCancelled();
    counts.current = name;
    if (entry.kind === 'directory') {
      await archive.addFolder(name, entry);
      continue;
    }
    if (entry.kind === 'symlink') await archive.addSymlink(name, entry, entry.linkTarget ?? '');
    else await archive.addFile(name, entry, { sizeBytes: entry.sizeBytes, content: counting(download.content(name, entry)) });
    counts.files++;
  }
  await archive.end();
}

/** Counts beside the work how much there is; what cannot be read is the work's to tell. */
async function tellTotal(download: Download, { counts }: Sending, isWanted: () => boolean): Promise<void> {
  try {
    const total = await download.measure(isWanted);
    if (total !== undefined) Object.assign(counts, { filesTotal: total.files, bytesTotal: total.bytes });
  } catch (fault) {
    if (!isFault(fault)) throw fault;
  }
}

/** Does the sending as a job, which ends with the connection, and whose end ends the connection. */
async function send(response: ServerResponse, { context, download }: Answering, work: (sending: Sending) => Promise<void>): Promise<void> {
  await context.engine.jobs.attend(
    download.about,
    async (job) => {
      const left = (): void => {
        job.cancel('Who fetched it has ended the connection.');
      };
      response.on('close', left);
      const cut = (): void => void response.destroy();
      job.signal.addEventListener('abort', cut);
      try {
        const write = (bytes: Uint8Array): Promise<void> => taken(response, bytes, job.signal);
        await work({ counts: job.counts, checkCancelled: () => job.checkCancelled(), write });
        job.checkCancelled();
        response.end();
      } finally {
        response.off('close', left);
        job.signal.removeEventListener('abort', cut);
      }
      return job.counts;
    },
    ({ files, bytes }) => `Sent ${counted(files, 'file')}, ${formatBytes(bytes)}.`,
  );
}

/** Resolves when the system has taken the bytes. */
function taken(response: ServerResponse, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) {
      giveUp();
      return;
    }
    signal.addEventListener('abort', giveUp, { once: true });
    response.write(bytes, (fault) => {
      signal.removeEventListener('abort', giveUp);
      if (fault) reject(new MirrorpointError('cancelled', 'Who fetched it has ended the connection.', { cause: fault }));
      else resolve();
    });
  });
}

function refuse(response: ServerResponse, answer: { status: number; text: string; headers?: OutgoingHttpHeaders }): void {
  const { status, text, headers } = answer;
  response.writeHead(status, { ...guardHeaders, 'content-type': 'text/plain; charset=utf-8', ...headers }).end(`${text}\n`);
}

import { assert, getU16, MirrorpointError } from '../base/index.ts';
import { BodyReader, BodyWriter } from './body.ts';
import { readFetch, readFetched, writeFetch, writeFetched } from './fetch-codec.ts';
import { hasControlCharacters, readFault, utf8Within, writeFault } from './fault-text.ts';
import { encodeFrame } from './frame.ts';
import type { Frame } from './frame.ts';
import {
  blockDataBytesMax,
  blocksRunsMax,
  blockSizeBytesMax,
  blockSizeBytesMin,
  idBytes,
  neededCpsMax,
  serverNameBytesMax,
  wantBlocksMax,
  wantRunsMax,
} from './limits.ts';
import { readChanges, writeChanges } from './changes.ts';
import { type BlocksMessage, type HelloMessage, type Message, type MessageType, type PackedBlocksMessage, rootBases } from './message.ts';
import { blocksIn, cutByRuns, isBlockSize, readCps, readRuns, writeCps, writeRuns } from './runs.ts';

/** The number that stands for each message in a frame. A number is never given a new meaning. */
const typeNumbers: Readonly<Record<MessageType, number>> = {
  hello: 1,
  state: 2,
  begin: 3,
  blocks: 4,
  root: 5,
  want: 6,
  gone: 7,
  committed: 8,
  views: 9,
  heartbeat: 10,
  fault: 11,
  bye: 12,
  'hand-over': 13,
  'handed-over': 14,
  fetch: 15,
  fetched: 16,
  changes: 17,
  'packed-blocks': 18,
};

const typesByNumber: ReadonlyMap<number, MessageType> = new Map(
  Object.entries(typeNumbers).map(([type, number]) => [number, type as MessageType]),
);

/** Messages whose frames carry block data. */
const typesWithData: ReadonlySet<MessageType> = new Set<MessageType>(['blocks', 'packed-blocks', 'fetched']);

const cpRange = { min: 1 };
const epochRange = { min: 1 };
const cpsRange = { max: neededCpsMax };
const requestRange = { min: 1 };
const wantRange = { runsMax: wantRunsMax, blocksMax: wantBlocksMax };
const blocksRange = { runsMax: blocksRunsMax, blocksMax: blockDataBytesMax / blockSizeBytesMin };

/** The message as buffers to send one behind the other; block data is not copied. A field out of range is a programmer's fault. */
export function encodeMessage(message: Message): Uint8Array[] {
  const writer = new BodyWriter(message.type);
  const data = writeBody(writer, message);
  return encodeFrame(typeNumbers[message.type], writer.body, data);
}

/**
 * The message of a frame; byte fields and block data are views of the frame's.
 * Fails with 'message-invalid' on an unknown type, a missing field, one out of
 * range, or bytes too many.
 */
export function decodeMessage(frame: Frame): Message {
  const type = typesByNumber.get(frame.type);
  if (type === undefined) {
    throw new MirrorpointError(
      'message-invalid',
      `The peer sent a message of type ${frame.type}, which this version does not know. Update the older of the two servers.`,
    );
  }
  const reader = new BodyReader(type, frame.body);
  if (!typesWithData.has(type) && frame.data.length > 0) reader.fail('it carries block data');
  const message = readBody(reader, type, frame.data);
  // A later version may append fields to its hello, and is answered with the versions spoken here.
  if (type !== 'hello') reader.end();
  return message;
}

/** The versions that a hello offers, however else its body may have changed; undefined when the frame is no sound hello. */
export function helloVersions(frame: Frame): { min: number; max: number } | undefined {
  if (frame.type !== typeNumbers.hello || frame.body.length < 4) return undefined;
  const min = getU16(frame.body, 0);
  const max = getU16(frame.body, 2);
  return min >= 1 && max >= min ? { min, max } : undefined;
}

function writeBody(writer: BodyWriter, message: Message): readonly Uint8Array[] {
  switch (message.type) {
    case 'hello':
      writeHello(writer, message);
      return [];
    case 'state':
      writer.u48('the committed CP', message.committedCp);
      writer.checksum('the root checksum', message.rootChecksum);
      writer.u48('the CP being received', message.receivingCp);
      writeCps(writer, message.neededCps, cpsRange);
      return [];
    case 'begin':
      assert(message.baseCp < message.cp, `CP ${message.cp} cannot build on CP ${message.baseCp}`);
      writer.u48('the CP', message.cp, cpRange);
      writer.u48('the base CP', message.baseCp);
      return [];
    case 'blocks':
      return writeBlocks(writer, message);
    case 'packed-blocks':
      writeNames(writer, message);
      assert(message.data.some((part) => part.length > 0), 'packed blocks are not nothing');
      return message.data;
    case 'changes':
      writeChanges(writer, message);
      return [];
    case 'root':
      writer.u48('the CP', message.cp, cpRange);
      writer.u8('the basis', rootBases.indexOf(message.basis));
      assert(isBlockSize(message.root.length), `a root of ${message.root.length} bytes is not one block`);
      writer.u32('the length of the root', message.root.length);
      writer.bytes('the root', message.root);
      return [];
    case 'want':
      writer.u32('the request id', message.requestId, requestRange);
      writer.u48('the CP', message.cp, cpRange);
      writeRuns(writer, message.runs, wantRange);
      return [];
    case 'gone':
      writer.u32('the request id', message.requestId, requestRange);
      writer.u48('the CP', message.cp, cpRange);
      return [];
    case 'committed':
      writer.u48('the CP', message.cp, cpRange);
      writer.checksum('the root checksum', message.rootChecksum);
      writeCps(writer, message.neededCps, cpsRange);
      return [];
    case 'views':
      writeCps(writer, message.neededCps, cpsRange);
      return [];
    case 'heartbeat':
      writer.u48('the time sent', message.sentWallMs);
      writer.u48('the last CP', message.lastCp);
      writer.u48('the time of the last CP', message.lastCpWallMs);
      writer.u64('the bytes pending', message.pendingBytes);
      writer.u64('the bytes received', message.receivedBytes);
      writer.checksum('the last root checksum', message.lastRootChecksum);
      return [];
    case 'fault':
      writeFault(writer, message);
      return [];
    case 'bye':
      return [];
    case 'hand-over':
      writer.u48('the epoch', message.epoch, epochRange);
      writer.u48('the CP', message.cp, cpRange);
      writer.checksum('the root checksum', message.rootChecksum);
      return [];
    case 'handed-over':
      writer.u48('the epoch', message.epoch, epochRange);
      return [];
    case 'fetch':
      writeFetch(writer, message);
      return [];
    case 'fetched':
      writeFetched(writer, message);
      return message.data;
  }
}

function readBody(reader: BodyReader, type: MessageType, data: Uint8Array): Message {
  switch (type) {
    case 'hello':
      return readHello(reader);
    case 'state':
      return {
        type,
        committedCp: reader.u48('the committed CP'),
        rootChecksum: reader.checksum('the root checksum'),
        receivingCp: reader.u48('the CP being received'),
        neededCps: readCps(reader, cpsRange),
      };
    case 'begin': {
      const cp = reader.u48('the CP', cpRange);
      return { type, cp, baseCp: reader.u48('the base CP', { max: cp - 1 }) };
    }
    case 'blocks': {
      const names = readNames(reader);
      return { type, ...names, data: cutByRuns(reader, names.runs, data) };
    }
    case 'packed-blocks':
      if (data.length === 0) reader.fail('it carries nothing');
      return { type, ...readNames(reader), data: [data] };
    case 'changes':
      return readChanges(reader);
    case 'root': {
      const cp = reader.u48('the CP', cpRange);
      const basis = rootBases[reader.u8('the basis', { max: rootBases.length - 1 })]!;
      const rootBytes = reader.u32('the length of the root', { max: blockSizeBytesMax });
      if (!isBlockSize(rootBytes)) reader.fail(`a root of ${rootBytes} bytes is not one block`);
      return { type, cp, basis, root: reader.bytes('the root', rootBytes) };
    }
    case 'want':
      return {
        type,
        requestId: reader.u32('the request id', requestRange),
        cp: reader.u48('the CP', cpRange),
        runs: readRuns(reader, wantRange),
      };
    case 'gone':
      return { type, requestId: reader.u32('the request id', requestRange), cp: reader.u48('the CP', cpRange) };
    case 'committed':
      return {
        type,
        cp: reader.u48('the CP', cpRange),
        rootChecksum: reader.checksum('the root checksum'),
        neededCps: readCps(reader, cpsRange),
      };
    case 'views':
      return { type, neededCps: readCps(reader, cpsRange) };
    case 'heartbeat':
      return {
        type,
        sentWallMs: reader.u48('the time sent'),
        lastCp: reader.u48('the last CP'),
        lastCpWallMs: reader.u48('the time of the last CP'),
        pendingBytes: reader.u64('the bytes pending'),
        receivedBytes: reader.u64('the bytes received'),
        lastRootChecksum: reader.checksum('the last root checksum'),
      };
    case 'fault':
      return readFault(reader);
    case 'bye':
      return { type };
    case 'hand-over':
      return {
        type,
        epoch: reader.u48('the epoch', epochRange),
        cp: reader.u48('the CP', cpRange),
        rootChecksum: reader.checksum('the root checksum'),
      };
    case 'handed-over':
      return { type, epoch: reader.u48('the epoch', epochRange) };
    case 'fetch':
      return readFetch(reader);
    case 'fetched':
      return readFetched(reader, data);
  }
}

function writeBlocks(writer: BodyWriter, message: BlocksMessage): readonly Uint8Array[] {
  const { runs, data } = message;
  writeNames(writer, message);
  const dataBytes = data.reduce((sum, part) => sum + part.length, 0);
  assert(isBlockSize(dataBytes / blocksIn(runs)), `${dataBytes} bytes of data are not ${blocksIn(runs)} blocks`);
  return data;
}

/** Which blocks a message carries, and whose they are. */
function writeNames(writer: BodyWriter, { cp, requestId, runs }: BlocksMessage | PackedBlocksMessage): void {
  assert((cp === 0) !== (requestId === 0), 'blocks belong to a CP or to a want, not to both');
  writer.u48('the CP', cp);
  writer.u32('the request id', requestId);
  writeRuns(writer, runs, blocksRange);
}

function readNames(reader: BodyReader): Pick<BlocksMessage, 'cp' | 'requestId' | 'runs'> {
  const cp = reader.u48('the CP');
  const requestId = reader.u32('the request id');
  if ((cp === 0) === (requestId === 0)) reader.fail('its blocks belong to a CP or to a want, not to both or neither');
  return { cp, requestId, runs: readRuns(reader, blocksRange) };
}

function writeHello(writer: BodyWriter, hello: HelloMessage): void {
  writer.u16('the lowest version', hello.protocolMin, { min: 1 });
  writer.u16('the highest version', hello.protocolMax, { min: hello.protocolMin });
  writer.u8('the role', hello.role === 'primary' ? 1 : 2);
  assert(isBlockSize(hello.blockSizeBytes), `a block size of ${hello.blockSizeBytes} bytes is not possible`);
  writer.u32('the block size', hello.blockSizeBytes);
  writer.u48('the number of blocks', hello.blockCount, { min: 1 });
  writer.u48('the epoch', hello.epoch);
  writer.bytes('the server id', hello.serverId, { min: idBytes, max: idBytes });
  writer.bytes('the volume id', hello.volumeId, { min: idBytes, max: idBytes });
  writer.bytes('the set id', hello.setId, { min: idBytes, max: idBytes });
  assert(!hasControlCharacters(hello.serverName), 'a server name has no control characters');
  const name = utf8Within(hello.serverName, serverNameBytesMax);
  writer.u8('the length of the server name', name.length);
  writer.bytes('the server name', name);
}

function readHello(reader: BodyReader): HelloMessage {
  const protocolMin = reader.u16('the lowest version', { min: 1 });
  const protocolMax = reader.u16('the highest version', { min: protocolMin });
  const role = reader.u8('the role', { min: 1, max: 2 }) === 1 ? 'primary' : 'mirror';
  const blockSizeBytes = reader.u32('the block size');
  if (!isBlockSize(blockSizeBytes)) reader.fail(`a block size of ${blockSizeBytes} bytes is not possible`);
  const blockCount = reader.u48('the number of blocks', { min: 1 });
  const epoch = reader.u48('the epoch');
  const serverId = reader.bytes('the server id', idBytes).slice();
  const volumeId = reader.bytes('the volume id', idBytes).slice();
  const setId = reader.bytes('the set id', idBytes).slice();
  const serverName = reader.text('the server name', reader.u8('the length of the server name'));
  if (hasControlCharacters(serverName)) reader.fail('its server name has control characters');
  return { type: 'hello', protocolMin, protocolMax, role, serverId, serverName, volumeId, setId, blockSizeBytes, blockCount, epoch };
}

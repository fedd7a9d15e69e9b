import { assert, u48Max } from '../base/index.ts';
import type { BodyReader, BodyWriter, Range } from './body.ts';
import { blockSizeBytesMax, blockSizeBytesMin, runBlocksMax } from './limits.ts';
import type { Run } from './message.ts';

/** How many blocks the runs name together. */
export function blocksIn(runs: readonly Run[]): number {
  return runs.reduce((sum, run) => sum + run.count, 0);
}

export function isBlockSize(bytes: number): boolean {
  return bytes >= blockSizeBytesMin && bytes <= blockSizeBytesMax && (bytes & (bytes - 1)) === 0;
}

export function writeRuns(writer: BodyWriter, runs: readonly Run[], range: { runsMax: number; blocksMax: number }): void {
  writer.u16('the number of runs', runs.length, { min: 1, max: range.runsMax });
  for (const { vbn, count } of runs) {
    writer.u48('a run’s VBN', vbn);
    writer.u16('a run’s count', count, { min: 1, max: runBlocksMax });
    assert(vbn + count - 1 <= u48Max, () => `a run of ${count} blocks from VBN ${vbn} ends past the VBN space`);
  }
  const blocks = blocksIn(runs);
  assert(blocks <= range.blocksMax, `${blocks} blocks in one message are over ${range.blocksMax}`);
}

export function readRuns(reader: BodyReader, range: { runsMax: number; blocksMax: number }): Run[] {
  const length = reader.u16('the number of runs', { min: 1, max: range.runsMax });
  const runs: Run[] = [];
  for (let index = 0; index < length; index++) {
    const vbn = reader.u48('a run’s VBN');
    const count = reader.u16('a run’s count', { min: 1 });
    if (vbn + count - 1 > u48Max) reader.fail(`a run of ${count} blocks from VBN ${vbn} ends past the VBN space`);
    runs.push({ vbn, count });
  }
  const blocks = blocksIn(runs);
  if (blocks > range.blocksMax) reader.fail(`${blocks} blocks in one message are over ${range.blocksMax}`);
  return runs;
}

export function writeCps(writer: BodyWriter, cps: readonly number[], range: Range): void {
  writer.u16('the number of needed CPs', cps.length, range);
  for (const cp of cps) writer.u48('a needed CP', cp, { min: 1 });
}

export function readCps(reader: BodyReader, range: Range): number[] {
  const length = reader.u16('the number of needed CPs', range);
  const cps: number[] = [];
  for (let index = 0; index < length; index++) cps.push(reader.u48('a needed CP', { min: 1 }));
  return cps;
}

/** Cuts the data of a `blocks` frame into one view per run. */
export function cutByRuns(reader: BodyReader, runs: readonly Run[], data: Uint8Array): Uint8Array[] {
  const blocks = blocksIn(runs);
  const blockSizeBytes = data.length / blocks;
  if (!isBlockSize(blockSizeBytes)) reader.fail(`${data.length} bytes of data are not ${blocks} blocks`);
  return cutRuns(runs, data, blockSizeBytes);
}

/** One view per run of the runs' blocks. */
export function cutRuns(runs: readonly Run[], data: Uint8Array, blockSizeBytes: number): Uint8Array[] {
  let offset = 0;
  return runs.map((run) => {
    const end = offset + run.count * blockSizeBytes;
    const part = data.subarray(offset, end);
    offset = end;
    return part;
  });
}

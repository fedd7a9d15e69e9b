import { SeededRandom } from '../../src-main/base/index.ts';
import { contract, downloadAddress, parseCap, parseCpInterval, parseDownload, parseInterval, parseLongTime, parsePlace, parseSize } from '../../src-main/contract/index.ts';
import { z } from 'zod';
import { sampleOf, spoilt } from './schema-sample.ts';
import { type FuzzedDecoder, mustBe, textDecoder } from '../fuzz/decoder.ts';

interface Procedure {
  readonly path: string;
  readonly input: z.core.$ZodType;
}

/** Every procedure of the contract, with the schema of what it takes. */
export function procedures(part: object = contract, above = ''): Procedure[] {
  return Object.entries(part).flatMap(([name, inner]: [string, object]) => {
    const path = `${above}${name}`;
    if (!('~orpc' in inner)) return procedures(inner, `${path}.`);
    const { inputSchema } = inner['~orpc'] as { inputSchema?: z.core.$ZodType };
    if (inputSchema === undefined) throw new Error(`Procedure ${path} has no schema for what it takes.`);
    return [{ path, input: inputSchema }];
  });
}

/** The bytes seed what a caller sends: a value that the schema takes, spoilt unless they are a sample. */
function inputsOf({ path, input }: Procedure): FuzzedDecoder {
  return {
    what: `what ${path} takes`,
    by: [],
    codes: [],
    weight: 0.05,
    noiseBytesMax: 8,
    sample: (random) => Uint8Array.of(1, ...random.bytes(8)),
    take: (bytes) => {
      const random = new SeededRandom(Buffer.concat([bytes, new Uint8Array(8)]).readUInt32LE(1));
      const good = sampleOf(input, random);
      const isSample = bytes[0] === 1 && bytes.length === 9;
      const { success, error, data } = z.safeParse(input, isSample ? good : spoilt(good, random));
      if (!success) mustBe(error.issues.length > 0, 'a refusal without a reason');
      else mustBe(z.safeParse(input, data).success, 'a value that it would refuse itself');
      return success;
    },
  };
}

function aboveZero(value: number): number {
  mustBe(Number.isSafeInteger(value) && value >= 0, 'a quantity that is no whole number');
  return value;
}

const texts: readonly FuzzedDecoder[] = [
  textDecoder('places in volumes', 'parsePlace', ['work:/a/b', 'work@snap:/', 'work@cp=12:/x', 'work@last:/'], { read: parsePlace, codes: ['argument-invalid', 'path-escapes', 'name-invalid', 'name-too-long'] }),
  textDecoder('sizes', 'parseSize', ['4096', '512M', '10GiB', '1.5T'], { read: (text) => aboveZero(parseSize(text)) }),
  textDecoder('intervals', 'parseInterval', ['500ms', '30s', '24h', 'off'], { read: (text) => aboveZero(parseInterval(text)) }),
  textDecoder('times between CPs', 'parseCpInterval', ['1s', '5m', 'off'], { read: (text) => aboveZero(parseCpInterval(text)) }),
  textDecoder('times of schedules', 'parseLongTime', ['15m', '2h', '1y'], { read: (text) => aboveZero(parseLongTime(text)) }),
  textDecoder('caps', 'parseCap', ['50G', '15%', '0'], { read: parseCap }),
  textDecoder('what downloads ask for', 'parseDownload', [downloadAddress({ volume: 'work', at: 'live', paths: ['/a'] }).split('what=').at(-1)!], { read: parseDownload }),
];

/** What callers of the contract send, and what people write. */
export const fuzzed: readonly FuzzedDecoder[] = [...procedures().map(inputsOf), ...texts];

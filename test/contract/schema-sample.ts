import type { SeededRandom } from '../../src-main/base/index.ts';
import { z } from 'zod';

/** What the strings of the contract look like; of each schema, those that it takes are used. */
const strings = [
  'work', '/a/b', '/', 'a', 'x.txt', 'snap', '', 'tls://host:7400', '127.0.0.1:1', '/data/work.img', '1G', '2026-11-23T10:00:00.000Z',
  '0'.repeat(32), 'ab'.repeat(32), '0123456789abcdef', 'audit', '10:00', 'mirrorpoint-invitation:AAAA', 'a long enough password',
  '123e4567-e89b-42d3-a456-426614174000', 'QUJD', '/dev/loop0', '2026-11-23',
];
const numbers = [1, 2, 7, 100, 0, 1000, 4096, 8192, 60_000, 300_000, 3_600_000, 86_400_000, 1 << 20, 1 << 30, 2 ** 33, -1, 0.5, 22, 1_800_000_000_000];

const attemptsMax = 40;
const depthMax = 6;

type Schema = z.core.$ZodType;

const known = new WeakMap<Schema, unknown[]>();

/** Which of some values a schema takes. */
function takenOf(schema: Schema, values: readonly unknown[]): unknown[] {
  let taken = known.get(schema);
  if (taken === undefined) known.set(schema, (taken = values.filter((value) => z.safeParse(schema, value).success)));
  return taken;
}

/** A value that a schema takes, as far as chance finds one. */
export function sampleOf(schema: Schema, random: SeededRandom): unknown {
  let value: unknown;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    value = draw(schema, random, 0);
    if (z.safeParse(schema, value).success) return value;
  }
  return value;
}

function draw(schema: Schema, random: SeededRandom, depth: number): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  const inside = (inner: Schema): unknown => draw(inner, random, depth + 1);
  switch (def.type) {
    case 'string':
      return pickOf(takenOf(schema, strings), random, 'work');
    case 'number':
      return pickOf(takenOf(schema, numbers), random, 1);
    case 'boolean':
      return random.chance(0.5);
    case 'literal':
      return random.pick(def.values);
    case 'enum':
      return random.pick(Object.values(def.entries));
    case 'object':
      return Object.fromEntries(Object.entries(def.shape).map(([key, inner]) => [key, inside(inner)] as const).filter(([, value]) => value !== undefined));
    case 'array':
      return Array.from({ length: random.below(depth > depthMax ? 1 : 3) + 1 }, () => inside(def.element));
    case 'tuple':
      return def.items.map(inside);
    case 'union':
      return inside(random.pick(def.options));
    case 'optional':
      return depth > depthMax || random.chance(0.4) ? undefined : inside(def.innerType);
    case 'nullable':
      return random.chance(0.3) ? null : inside(def.innerType);
    case 'default':
    case 'prefault':
    case 'readonly':
    case 'nonoptional':
      return inside(def.innerType);
    case 'pipe':
      return inside(def.in);
    case 'record':
      return { [String(inside(def.keyType))]: inside(def.valueType) };
    case 'custom':
    case 'file':
      return new Blob(['content']);
    default:
      throw new Error(`Samples of a schema of type ${def.type} are not made yet.`);
  }
}

function pickOf(values: readonly unknown[], random: SeededRandom, otherwise: unknown): unknown {
  return values.length === 0 ? otherwise : random.pick(values);
}

const deep = JSON.parse(`${'['.repeat(2000)}${']'.repeat(2000)}`) as unknown;
const hostile: readonly unknown[] = [
  null, undefined, true, -1, 0, 1e308, NaN, Infinity, 2 ** 53, -0.5, '', '..', '/../..', 'a\0b', '\ud800', 'x'.repeat(100_000), [], {}, [[[]]], deep,
  JSON.parse('{"__proto__":{"volume":"x"},"constructor":1}'), Array.from({ length: 5000 }, () => 1), 10n, Symbol.iterator, new Date(NaN), new Blob(['x']),
];

/** The value with a few parts replaced by what a hostile caller would send there, left out, or put in another place. */
export function spoilt(value: unknown, random: SeededRandom): unknown {
  if (random.chance(0.15)) return random.pick(hostile);
  if (Array.isArray(value)) {
    const items: unknown[] = value.map((item: unknown) => (random.chance(0.5) ? spoilt(item, random) : item));
    return random.chance(0.2) ? [...items, random.pick(hostile), ...items] : items;
  }
  if (typeof value === 'object' && value !== null && !(value instanceof Blob)) {
    const entries = Object.entries(value).filter(() => !random.chance(0.1));
    const spoiltEntries = entries.map(([key, inner]): [string, unknown] => [random.chance(0.05) ? random.pick(strings) : key, random.chance(0.5) ? spoilt(inner, random) : inner]);
    return Object.fromEntries(spoiltEntries);
  }
  return random.chance(0.5) ? random.pick(strings) : random.pick(numbers);
}

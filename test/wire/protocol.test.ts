import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../src-main/base/index.ts';
import * as wire from '../../src-main/wire/index.ts';
import { joined, sampleMessages } from './messages.ts';

const specification = fs.readFileSync(path.join(import.meta.dirname, '../../src-main/wire/PROTOCOL.md'), 'utf8');

/** Header and body of the sample messages as version 2 writes them. They never change. */
const frozen: readonly (readonly [type: string, header: string, body: string])[] = [
  ['hello', '4d504e54010000004d00000000000000def545ffdd3740bbf8d789b6b569a42b', '01000100020010000040420f0000000100000000000101010101010101010101010101010102020202020202020202020202020202030303030303030303030303030303030762c3bc726f2d31'],
  ['state', '4d504e540200000022000000000000001c3d7e4bbba6c991c7f78b854f682e72', '0600000000001032547698badcfe0700000000000200030000000000050000000000'],
  ['begin', '4d504e54030000000c0000000000000004bd8e9c5001c839d5a2a35be441ef13', '080000000000070000000000'],
  ['blocks', '4d504e54040000001c000000003000003284634388b3ff3182eeeeebe36d2259', '0800000000000000000002000a000000000002006300000000000100'],
  ['want', '4d504e540600000014000000000000005a9621e3385525512cb74638fa0d8fea', '0400000008000000000001000a0000000000f401'],
  ['gone', '4d504e54070000000a00000000000000fa59cdcb61de35802361f2577bfa51c5', '04000000080000000000'],
  ['committed', '4d504e54080000001600000000000000220159e25a65590983be8a0533023552', '08000000000005000000000000000100070000000000'],
  ['views', '4d504e5409000000020000000000000001a12dfa1fa4ab9abb2764871d9e4c84', '0000'],
  ['heartbeat', '4d504e540a0000002a0000000000000072d1503ce07b8ab0f8a146f1e5f741b1', '006c50c4a001080000000000006c50c4a00100000000000004004d000000000000000900000000000000'],
  ['fault', '4d504e540b0000002c00000000000000ecd3e856e71026ac41d32f8d85cf462c', '010b6465766963652d66756c6c1d00746865206d6972726f72e2809973206465766963652069732066756c6c'],
  ['changes', '4d504e54110000003a00000000000000f20900374a96b744e200a041341d3668', '0800000000000200300000002a00000028b52ffd20300d0100a864000000000007080004000400010203040102000004006000dccdd97ce26204'],
  ['packed-blocks', '4d504e5412000000140000001e00000059b5e79c22cc9c3b2ef846ae01b46fd1', '0000000000000400000001000a00000000000200'],
  ['bye', '4d504e540c000000000000000000000099e9d85137db46ef97271a17b0afd6cd', ''],
  ['hand-over', '4d504e540d0000001400000000000000dcd29d76dbe2e44b42d4b8c31b5278be', '0200000000000800000000000600000000000000'],
  ['handed-over', '4d504e540e00000006000000000000007063cc02849b236b27d4ddd0ee0cf1cf', '020000000000'],
  ['fetch', '4d504e540f00000022000000000000009cbb25bb5cf31e87bb7e720672f528c1', '0300000002000c0000000000efcdab8967452301e803000000000700000000000000'],
  ['fetched', '4d504e54100000000800000000100000cf85d8528578281a57708d6258325b44', '0300000001000100'],
];

describe('version 2 of the protocol', () => {
  it.each(frozen)('%s: has the bytes that it always had', (type, header, body) => {
    const message = sampleMessages.find((sample) => sample.type === type)!;
    const [head] = wire.encodeMessage(message) as [Uint8Array];
    // The same changes may be packed to other bytes by a later zstd; what was packed once is unpacked for ever.
    if (type !== 'changes') expect(toHex(head)).toBe(header + body);
    const data = 'data' in message ? message.data : [];
    const [frame] = new wire.FrameReader().push(joined([Buffer.from(header + body, 'hex'), ...data]));
    expect(wire.decodeMessage(frame!)).toEqual(message);
  });

  it('has the limits that its specification names', () => {
    const rows = [...specification.matchAll(/^\| (`\w+`(?:, `\w+`)*) \| ([^|]+) \|/gm)];
    const named = new Map<string, number>();
    for (const [, names = '', values = ''] of rows) {
      const numbers = values.replace(/\([^)]*\)/g, '').split(' and ').map((value) => Number(value.replaceAll(',', '')));
      for (const [index, name] of names.split(', ').entries()) named.set(name.replaceAll('`', ''), numbers[index]!);
    }
    const limits = Object.entries(wire).filter(([name, value]) => typeof value === 'number' && !name.startsWith('protocolVersion'));
    expect(Object.fromEntries(named)).toEqual(Object.fromEntries(limits));
  });

  it('has every message of its specification, and no other', () => {
    const sections = [...specification.matchAll(/^### (\d+) `([\w-]+)`/gm)].map(([, number, type]) => [Number(number), type]);
    const encoded = sampleMessages.map((message) => {
      const [frame] = new wire.FrameReader().push(joined(wire.encodeMessage(message)));
      return [frame!.type, message.type];
    });
    expect(sections).toEqual(encoded);
  });
});

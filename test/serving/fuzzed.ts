import { parseAddress } from '../../src-main/serving/index.ts';
import * as kernel from '../../src-main/serving/fuse/kernel-request.ts';
import { parseDestination } from '../../src-main/serving/webdav/address.ts';
import { parseHttpDate } from '../../src-main/serving/webdav/http-dates.ts';
import { parseIfHeader } from '../../src-main/serving/webdav/if-header.ts';
import { conditionsMax, xmlDepthMax } from '../../src-main/serving/webdav/limits.ts';
import { judgePreconditions } from '../../src-main/serving/webdav/preconditions.ts';
import { rangeOf } from '../../src-main/serving/webdav/ranges.ts';
import type { XmlElement } from '../../src-main/serving/webdav/xml-element.ts';
import { readXml } from '../../src-main/serving/webdav/xml-reader.ts';
import { requestOf, text, u32, u64 } from './kernel-side.ts';

import { bytesOf, type FuzzedDecoder, mustBe, textOf } from '../fuzz/decoder.ts';

const asked = ['argument-invalid', 'message-invalid', 'path-escapes', 'name-invalid', 'name-too-long'] as const;

/** No name of an address leads out of the folder that it is in. */
function mustStayInside(names: readonly string[]): void {
  for (const name of names) mustBe(name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name) && name.isWellFormed(), `the name ${JSON.stringify(name)}`);
}

const addresses = ['/work/a/b.txt', '/work/%C3%A4/', '/work/..%2f..%2fetc', '/work/%2e%2e/x', '/work/.snapshot/s/a', '*', 'http://host/work/a?x=1'];

const paths: FuzzedDecoder = {
  what: 'addresses of WebDAV',
  by: ['parseAddress'],
  codes: asked,
  weight: 2,
  sample: (random) => bytesOf(random.pick(addresses)),
  take: (bytes) => {
    mustStayInside(parseAddress(textOf(bytes)).names);
    return true;
  },
};

const destinations: FuzzedDecoder = {
  what: 'destinations of WebDAV',
  by: ['parseDestination'],
  codes: asked,
  sample: (random) => bytesOf(random.pick(['http://host:8080/work/b', '/work/c', 'https://host:8080/work/%E2%82%AC', '//host:8080/work/d'])),
  take: (bytes) => {
    mustStayInside(parseDestination(textOf(bytes), 'host:8080').names);
    return true;
  },
};

const conditions = ['(<urn:uuid:1> ["a"])', '</work/a> (Not <urn:x> ["e"]) (["f"])', '(<DAV:no-lock>), (["x"])', '"a", W/"b"', '*', 'Mon, 23 Nov 2026 10:00:00 GMT', 'bytes=0-499', 'bytes=-7', 'bytes=9-'];

const headers: FuzzedDecoder = {
  what: 'headers of WebDAV',
  by: ['parseIfHeader', 'parseHttpDate', 'rangeOf', 'judgePreconditions'],
  codes: asked,
  weight: 2,
  noiseBytesMax: 80,
  sample: (random) => bytesOf(random.pick(conditions)),
  take: (bytes) => {
    const header = textOf(bytes);
    const seconds = parseHttpDate(header);
    mustBe(seconds === undefined || Number.isInteger(seconds), 'a date that is no number');
    judgePreconditions({ 'if-match': header, 'if-none-match': header, 'if-modified-since': header, 'if-unmodified-since': header }, { etag: '"a"', modifiedNs: 1n }, true);
    const part = rangeOf(header, 1000);
    if (part !== undefined) mustBe(part.start >= 0 && part.start < part.end && part.end <= 1000, 'a part beyond the file');
    mustBe(parseIfHeader(header).length <= conditionsMax, 'more conditions than are taken');
    return true;
  },
};

const documents = [
  '<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><x:y xmlns:x="urn:x" a="&lt;1"/></D:prop></D:propfind>',
  '<propertyupdate xmlns="DAV:"><set><prop><a xmlns="urn:a">&#228;<![CDATA[<b>]]></a></prop></set></propertyupdate>',
  '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype><owner>me</owner></lockinfo>',
  '<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><l>&b;</l>',
];

function depthOf({ children }: XmlElement): number {
  return 1 + Math.max(0, ...children.map((child) => (typeof child === 'string' ? 0 : depthOf(child))));
}

const xml: FuzzedDecoder = {
  what: 'XML of WebDAV',
  by: ['readXml'],
  codes: asked,
  weight: 2,
  sample: (random) => bytesOf(random.chance(0.02) ? '<a>'.repeat(50) : random.pick(documents.slice(0, 3))),
  take: (bytes) => {
    mustBe(depthOf(readXml(bytes)) <= xmlDepthMax, 'deeper than is taken');
    return true;
  },
};

const bodies: Readonly<Partial<Record<keyof typeof kernel.opcodes, Buffer>>> = {
  lookup: text('name'),
  setattr: Buffer.concat([u32(0xffff, 0), Buffer.alloc(80)]),
  symlink: text('name', 'target'),
  mknod: Buffer.concat([u32(0o100644, 0, 0, 0), text('file')]),
  mkdir: Buffer.concat([u32(0o755, 0), text('dir')]),
  rename2: Buffer.concat([u64(1), u32(1, 0), text('a', 'b')]),
  link: Buffer.concat([u64(5), text('c')]),
  open: u32(0x8000, 0),
  read: Buffer.concat([u64(1, 0), u32(4096, 0), u64(0), u32(0, 0)]),
  write: Buffer.concat([u64(1, 0), u32(8, 0), u64(0), u32(0, 0), Buffer.alloc(8)]),
  setxattr: Buffer.concat([u32(3, 0), text('user.a'), Buffer.from('abc')]),
  getxattr: Buffer.concat([u32(64, 0), text('user.a')]),
  create: Buffer.concat([u32(0x8000, 0o644, 0, 0), text('new')]),
  fallocate: Buffer.concat([u64(1, 0, 4096), u32(3, 0)]),
  lseek: Buffer.concat([u64(1, 0), u32(3, 0)]),
  copyFileRange: u64(1, 0, 2, 3, 0, 100, 0),
  batchForget: Buffer.concat([u32(2, 0), u64(5, 1, 6, 1)]),
  init: u32(7, 31, 65_536, 0),
};

const decodes = Object.entries(kernel).filter(([name]) => name.startsWith('decode')) as [string, (request: kernel.KernelRequest) => unknown][];

const kernelRequests: FuzzedDecoder = {
  what: 'requests of the kernel',
  by: ['KernelRequest', ...decodes.map(([name]) => name)],
  codes: ['message-invalid', 'file-too-large', 'argument-invalid', 'name-invalid', 'name-too-long'],
  weight: 3,
  sample: (random) => {
    const [name, body] = random.pick(Object.entries(bodies));
    return new Uint8Array(requestOf(kernel.opcodes[name as keyof typeof kernel.opcodes], BigInt(1 + random.below(9)), body));
  },
  take: (bytes, random) => {
    const isHeaded = bytes.length >= 40 && random.chance(0.9);
    const whole = isHeaded ? Buffer.concat([u32(bytes.length), bytes.subarray(4)]) : bytes;
    kernel.isWriteRequest(whole);
    const request = new kernel.KernelRequest(whole);
    // Which of them fits is told by the opcode; each must hold out against each.
    let fault: unknown;
    for (const [, decode] of decodes) {
      try {
        decode(request);
      } catch (thrown) {
        if (!(thrown instanceof Error) || !('code' in thrown)) throw thrown;
        fault = thrown;
      }
    }
    if (fault !== undefined && random.chance(0.5)) throw fault as Error;
    return true;
  },
};

/** What clients of volumes send. */
export const fuzzed: readonly FuzzedDecoder[] = [paths, destinations, headers, xml, kernelRequests];

import { describe, expect, it } from 'vitest';
import type { MirrorpointError } from '../../src-main/base/index.ts';
import { answerQuestions, answerTimeoutMs, idleMaxMs, Questioner, questionBytesMax, questionsInFlightMax } from '../../src-main/control/index.ts';
import { type ControlMessage, ControlReader, encodeControlMessage } from '../../src-main/control/control-message.ts';
import { createMemoryPair, type Link } from '../../src-main/transport/index.ts';
import { VirtualClock } from '../simulation/virtual-clock.ts';

const question: ControlMessage = { id: 7, head: { path: '/files/list', headers: { 'content-type': 'application/json' } }, body: Buffer.from('{"json":{}}') };
const answer: ControlMessage = { id: 0xffff_ffff, head: { status: 200, headers: {} }, body: new Uint8Array(0) };

function bytesOf(...messages: readonly ControlMessage[]): Buffer {
  return Buffer.concat(messages.flatMap(encodeControlMessage));
}

function readAll(chunks: readonly Uint8Array[], bytesMax = questionBytesMax): ControlMessage[] {
  const reader = new ControlReader({ bytesMax });
  return chunks.flatMap((chunk) => [...reader.push(chunk)]);
}

function plain(messages: readonly ControlMessage[]): unknown {
  return messages.map(({ id, head, body }) => ({ id, head, body: Buffer.from(body).toString('latin1') }));
}

describe('messages of questions and answers', () => {
  it('come out whole from one chunk, cut at any place, or byte by byte', () => {
    const bytes = bytesOf(question, answer, question);
    const whole = plain([question, answer, question]);
    expect(plain(readAll([bytes]))).toEqual(whole);
    for (let at = 1; at < bytes.length; at++) expect(plain(readAll([bytes.subarray(0, at), bytes.subarray(at)]))).toEqual(whole);
    expect(plain(readAll([...bytes].map((byte) => Uint8Array.of(byte))))).toEqual(whole);
  });

  it('over the limit are refused at their length, before they have come', () => {
    const { body, ...rest } = question;
    const large = bytesOf({ ...rest, body: new Uint8Array(1000) });
    expect(readAll([large], large.length)).toHaveLength(1);
    expect(() => readAll([large.subarray(0, 4)], 900)).toThrow(expect.objectContaining({ code: 'frame-too-large' }));
    expect(body.length).toBeGreaterThan(0);
  });

  it('that are none are refused by a code', () => {
    const spoilt = (edit: (bytes: Buffer) => void): (() => unknown) => {
      const bytes = bytesOf(question);
      edit(bytes);
      return () => readAll([bytes]);
    };
    const invalid = expect.objectContaining({ code: 'frame-invalid' });
    expect(spoilt((bytes) => bytes.writeUInt32LE(7, 0))).toThrow(invalid);
    expect(spoilt((bytes) => bytes.writeUInt32LE(0xffff_fff0, 8))).toThrow(invalid);
    expect(spoilt((bytes) => bytes.write('x', 12))).toThrow(invalid);
    for (const head of [{ path: 'files/list', headers: {} }, { path: '/x' }, { status: 0, headers: {} }, { path: '/x', headers: { 'content-type': 'a\r\nb' } }]) {
      expect(() => readAll([bytesOf({ ...question, head: head as ControlMessage['head'] })])).toThrow(invalid);
    }
  });
});

interface Asking {
  readonly clock: VirtualClock;
  readonly link: Link;
  readonly asker: Questioner;
  readonly ended: Promise<MirrorpointError | undefined>;
}

function asking(answerOne: (request: Request) => Promise<Response>): Asking {
  const clock = new VirtualClock();
  const [here, there] = createMemoryPair();
  const ended = answerQuestions(there, { clock, answer: answerOne });
  return { clock, link: here, asker: new Questioner(here, { clock }), ended };
}

function ask(asker: Questioner, path: string, body = ''): Promise<Response> {
  return asker.ask(new Request(`http://peer${path}`, { method: 'POST', body }));
}

describe('questions over a link', () => {
  it('are answered each by its own answer, in any order', async () => {
    const gates = new Map<string, () => void>();
    const { asker } = asking(async (request) => {
      const { pathname } = new URL(request.url);
      await new Promise<void>((resolve) => gates.set(pathname, resolve));
      return new Response(`${pathname} ${await request.text()}`, { status: 201, headers: { 'content-type': 'text/plain' } });
    });
    const [first, second] = [ask(asker, '/a', 'one'), ask(asker, '/b', 'two')];
    await expect.poll(() => gates.size).toBe(2);
    gates.get('/b')!();
    expect(await (await second).text()).toBe('/b two');
    gates.get('/a')!();
    const answered = await first;
    expect([await answered.text(), answered.status, answered.headers.get('content-type')]).toEqual(['/a one', 201, 'text/plain']);
    await asker.close();
  });

  it('are dealt with a few at a time', async () => {
    let [running, most] = [0, 0];
    const waiting: (() => void)[] = [];
    const { asker } = asking(async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => waiting.push(resolve));
      running--;
      return new Response('');
    });
    const answers = Array.from({ length: 50 }, () => ask(asker, '/x'));
    for (let index = 0; index < 50; index++) {
      await expect.poll(() => waiting.length).toBeGreaterThan(0);
      waiting.shift()!();
    }
    await Promise.all(answers);
    expect(most).toBe(questionsInFlightMax);
    await asker.close();
  });

  it('fail when the link ends, those that wait and those that come later', async () => {
    const asked = Promise.withResolvers<undefined>();
    const { asker, link } = asking(() => {
      asked.resolve(undefined);
      return new Promise<Response>(() => undefined);
    });
    const waiting = ask(asker, '/x');
    await asked.promise;
    await link.close();
    await expect(waiting).rejects.toMatchObject({ code: 'link-closed' });
    await expect(ask(asker, '/y')).rejects.toMatchObject({ code: 'link-closed' });
    expect(asker.isOpen).toBe(false);
  });

  it('that nobody answers end the link in time', async () => {
    const asked = Promise.withResolvers<undefined>();
    const { asker, clock } = asking(() => {
      asked.resolve(undefined);
      return new Promise<Response>(() => undefined);
    });
    const waiting = ask(asker, '/x');
    waiting.catch(() => undefined);
    await asked.promise;
    clock.pass(answerTimeoutMs - 1);
    expect(asker.isOpen).toBe(true);
    clock.pass(1);
    await expect(waiting).rejects.toMatchObject({ code: 'link-timeout' });
    expect(asker.isOpen).toBe(false);
  });

  it('keep a link open, and without one it ends', async () => {
    const { asker, clock, ended } = asking(async () => new Response('yes'));
    for (let round = 0; round < 3; round++) {
      clock.pass(idleMaxMs - 1000);
      expect(await (await ask(asker, '/x')).text()).toBe('yes');
    }
    clock.pass(idleMaxMs);
    expect((await ended)?.code).toBe('link-closed');
    await expect(ask(asker, '/x')).rejects.toMatchObject({ code: 'link-closed' });
  });
});

describe('who says something else on such a link', () => {
  it.each([
    ['noise', Buffer.alloc(64, 0xee), 'frame-too-large'],
    ['an oversized question', Buffer.from([0, 0, 0x11, 0]), 'frame-too-large'],
    ['a head that is none', Buffer.concat([Buffer.from([10, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]), Buffer.from('no')]), 'frame-invalid'],
  ])('is cut off: %s', async (_name, bytes, code) => {
    const [here, there] = createMemoryPair();
    const ended = answerQuestions(there, { clock: new VirtualClock(), answer: async () => new Response('') });
    await here.send([bytes]);
    expect((await ended)?.code).toBe(code);
    expect(await here.receive().catch(() => undefined)).toBeUndefined();
  });

  it('is cut off: an answer where a question is due', async () => {
    const [here, there] = createMemoryPair();
    const ended = answerQuestions(there, { clock: new VirtualClock(), answer: async () => new Response('') });
    await here.send(encodeControlMessage(answer));
    await ended;
    expect(await here.receive().catch(() => undefined)).toBeUndefined();
  });

  it.each([
    ['noise', Buffer.alloc(64, 0xee), 'frame-too-large'],
    ['a question', bytesOf(question), 'message-invalid'],
    ['a status that has no body', bytesOf({ ...answer, id: 1, head: { status: 204, headers: {} }, body: Buffer.from('x') }), 'message-invalid'],
  ])('is an operating fault to who asked: %s', async (_name, bytes, code) => {
    const [here, there] = createMemoryPair();
    const asker = new Questioner(here, { clock: new VirtualClock() });
    const waiting = ask(asker, '/x');
    await there.receive();
    await there.send([bytes]);
    await expect(waiting).rejects.toMatchObject({ code });
  });

  it('is not heard: an answer that nobody asked for', async () => {
    const [here, there] = createMemoryPair();
    const asker = new Questioner(here, { clock: new VirtualClock() });
    const waiting = ask(asker, '/x');
    await there.receive();
    await there.send(encodeControlMessage({ ...answer, id: 99 }));
    await there.send(encodeControlMessage({ ...answer, id: 1, body: Buffer.from('mine') }));
    expect(await (await waiting).text()).toBe('mine');
    await asker.close();
  });
});

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { expect, it, onTestFinished } from 'vitest';
import { decodeInvitation, encodeInvitation } from '../../src-main/pairing/index.ts';
import { type Place, runCommand, ServerProcess } from '../shells/server-process.ts';
import { invite, peersOf } from './pairing-commands.ts';
import { codeOf, eventually, placeIn, succeed, testFolder } from './scenario-place.ts';

/** What `pair` ends with: its code, and what it says. */
async function refused(place: Place, invitation: string): Promise<{ code: string; text: string }> {
  const result = await runCommand(place, '--json', 'pair', invitation, '--yes');
  expect([result.exitCode, result.stdout]).toEqual([1, '']);
  return { code: codeOf(result), text: result.stderr };
}

it('an invitation that was taken back, is for another server, or was guessed is refused by a code and the next step, and three guesses lock', async () => {
  const folder = testFolder();
  const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
  await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'b.img')}=64M`, '--role', 'mirror', '--listen', 'tls://127.0.0.1:0');
  await using _mirror = await ServerProcess.start(b);

  const withdrawn = await invite(b, '--yes');
  withdrawn.stop();
  await withdrawn.ended;
  // The server notices in a moment that nobody waits any more; until then it has no other invitation.
  const open = (await eventually(() => invite(b, '--yes').catch(() => undefined), (next) => next !== undefined))!;
  const late = await refused(a, withdrawn.text);
  expect([late.code, late.text]).toEqual(['invitation-expired', expect.stringContaining('Make a new one there')]);

  const invitation = decodeInvitation(open.text);
  // Whoever answers there is not the server that the invitation tells, and never sees the secret.
  const foreign = await refused(a, encodeInvitation({ ...invitation, identity: 'ab'.repeat(32) }));
  expect([foreign.code, foreign.text]).toEqual(['peer-unknown', expect.stringContaining('Check the address')]);
  const own = await refused(b, open.text);
  expect([own.code, own.text]).toEqual(['invitation-invalid', expect.stringContaining("this server's own")]);

  const guess = encodeInvitation({ ...invitation, secret: new Uint8Array(20).fill(7) });
  const guessed = [await refused(a, guess), await refused(a, guess), await refused(a, guess)];
  expect(guessed.map(({ code }) => code)).toEqual(['invitation-invalid', 'invitation-invalid', 'pairing-locked']);
  expect(guessed[0]!.text).toContain('Copy it again as a whole');
  expect(guessed[2]!.text).toContain('Wait ten minutes');
  const ended = await open.ended;
  expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining('pairing-locked')]);
  expect((await refused(a, open.text)).code).toBe('pairing-locked');
  expect(codeOf(await runCommand(b, '--json', 'invite', '--yes'))).toBe('pairing-locked');
  expect([(await peersOf(a)).peers, (await peersOf(b)).peers]).toEqual([[], []]);
});

it('a server that runs a newer protocol is named as that, to those who pair and to those who mirror', async () => {
  const folder = testFolder();
  const [a, b] = [placeIn(folder, 'a'), placeIn(folder, 'b')];
  await succeed(b, 'volume', 'create', 'copy', `${join(folder, 'b.img')}=64M`, '--role', 'mirror', '--listen', 'tls://127.0.0.1:0');
  await succeed(a, 'volume', 'create', 'work', `${join(folder, 'a.img')}=64M`);
  await using primary = await ServerProcess.start(a);
  const mirror = await ServerProcess.start(b);
  onTestFinished(() => mirror.kill());
  const address = mirror.ready.listen[0]!;
  const invitation = await invite(b, '--yes');
  await succeed(a, 'pair', invitation.text, '--yes');
  const { identity } = await peersOf(b);
  await mirror.stop();

  // The same server after an update, which speaks nothing that this one knows.
  const pem = readFileSync(join(b.configFolder, 'identity.pem'), 'utf8');
  const updated = tls.createServer({ key: pem, cert: pem, ALPNProtocols: ['mirrorpoint/9', 'mirrorpoint-pairing/9'], requestCert: true, rejectUnauthorized: false });
  updated.on('tlsClientError', () => undefined);
  updated.listen(Number(/[0-9]+$/.exec(address)![0]), '127.0.0.1');
  await once(updated, 'listening');
  onTestFinished(() => void updated.close());
  const pairing = await refused(a, invitation.text);
  expect([pairing.code, pairing.text]).toEqual(['protocol-too-new', expect.stringContaining('Run the same version on both servers')]);
  await succeed(a, 'link', 'work', address, '--peer', identity);
  const [status] = await eventually(async () => (await primary.client.relationships.list({})).relationships, ([one]) => one?.code !== undefined);
  expect(status).toMatchObject({ state: 'error', code: 'protocol-too-new', verdict: { level: 'problem', sentence: expect.stringContaining('Run the same version on both servers') } });
  expect(codeOf(await runCommand(a, '--json', 'ls', 'copy:/', '--peer', identity))).toBe('protocol-too-new');
});

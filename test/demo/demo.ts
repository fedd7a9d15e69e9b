/**
 * The main job on real input: two servers on this machine, a folder of real
 * files, a CP every second, a reader on the mirror all the time, changes, and
 * a kill -9 of each server in the middle of a CP. At the end the mirror must
 * hold the folder byte for byte.
 *
 *   npm run demo [-- FOLDER]     the project's node_modules unless given
 */
import { mkdtemp, rm, stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatBytes } from '../../src-main/base/index.ts';
import { Story } from './story.ts';
import { WorkingCopy } from './working-copy.ts';

const startedMs = Date.now();

function say(text: string): void {
  console.log(`${((Date.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${text}`);
}

async function applyRound(story: Story, copy: WorkingCopy): Promise<string> {
  const round = await copy.change(200);
  for (const { from, to } of round.renamed) await story.move(from, to);
  for (const path of round.deleted) await story.remove(path);
  const result = await story.put(copy);
  return (
    `${round.changed} files changed, ${round.added} added, ${round.renamed.length} renamed, ${round.deleted.length} deleted; ` +
    `${result.unchanged} unchanged ones left alone`
  );
}

function printTable(rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(...rows.map(([key]) => key.length));
  console.log('');
  for (const [key, value] of rows) console.log(`  ${key.padEnd(width)}  ${value}`);
  console.log('');
}

async function tell(story: Story, source: string, folder: string): Promise<void> {
  const copy = await WorkingCopy.make(source, join(folder, 'source'));
  say(`a working copy of ${source}: ${copy.fileCount} files, ${formatBytes(copy.bytes)}`);
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < 3 * copy.bytes + (512 << 20)) throw new Error(`${folder} has too little free space for this folder`);
  await story.begin(Math.ceil((3 * copy.bytes + (1 << 30)) / 4096) * 4096);
  const reader = story.watchMirror(copy);

  const put = await story.put(copy);
  say(`brought in ${put.files} files, ${formatBytes(put.bytes)} in ${(put.durationMs / 1000).toFixed(1)} s, mirrored as it came`);
  const baseline = await story.waitUntilIdentical();
  say(`the mirror is identical at CP ${baseline.mirrorCp}, ${formatBytes(baseline.bytesSent)} sent so far`);
  say(await applyRound(story, copy));

  const primaryCut = await story.killPrimary();
  const { recovery } = primaryCut.status;
  say(
    `primary killed in the middle of CP ${primaryCut.cp}; it came back at CP ${recovery?.cp ?? 0} ` +
      `with ${recovery?.replayedRequests ?? 0} requests from its journal`,
  );
  const faultsBefore = story.faults.length;
  await story.compare('primary', copy.folder, '/data');
  const lostOnPrimary = story.faults.length - faultsBefore;
  say(`everything acknowledged is there: ${lostOnPrimary} differences`);
  say(await applyRound(story, copy));

  await story.waitUntilIdentical();
  const sentBefore = story.lag.bytesOnWire;
  const mirrorCut = await story.killMirror();
  say(`mirror killed in the middle of CP ${mirrorCut.cutCp}; it came back at CP ${mirrorCut.committedCp}, the primary had gone on`);
  say(await applyRound(story, copy));
  await story.putExtras();
  const end = await story.waitUntilIdentical();
  const caughtUpBytes = story.lag.bytesOnWire - sentBefore;
  say(`the mirror is identical again at CP ${end.mirrorCp}, without a full copy`);

  const compared = await story.compare('mirror', copy.folder, '/data');
  await story.compareExtras();
  say(`compared ${compared.files} files, ${formatBytes(compared.bytes)} byte for byte with the mirror`);
  await story.check();
  say('verified every block of both volumes');
  const cps = await story.cpCount();
  await story.end();
  for (const torn of reader.torn) story.faults.push(`the reader saw a torn file: ${torn}`);
  if (reader.filesRead === 0) story.faults.push('the reader read nothing');

  printTable([
    ['files', `${compared.files} in ${compared.directories} folders, ${formatBytes(compared.bytes)}`],
    ['CPs', `${cps}; the reader of the mirror saw ${reader.cpsSeen.size} of them`],
    ['read on the mirror meanwhile', `${reader.filesRead} files, ${formatBytes(reader.bytesRead)}, ${reader.torn.length} torn`],
    ['largest lag while linked', `${story.lag.lagCpsMax} CPs, ${formatBytes(story.lag.lagBytesMax)}, ${(story.lag.lagMsMax / 1000).toFixed(1)} s`],
    ['bytes on the wire', formatBytes(story.lag.bytesOnWire)],
    ['of them since the mirror was killed', formatBytes(caughtUpBytes)],
    ['kill -9 of the primary cost', lostOnPrimary === 0 ? 'nothing acknowledged' : `${lostOnPrimary} differences`],
    ['kill -9 of the mirror cost', `the unfinished CP ${mirrorCut.cutCp}, received again`],
    ['differences at the end', String(story.faults.length)],
  ]);
}

async function main(): Promise<void> {
  const source = resolve(process.argv[2] ?? fileURLToPath(new URL('../../node_modules', import.meta.url)));
  if (!(await stat(source).catch(() => undefined))?.isDirectory()) {
    console.error(`demo: ${source} is no folder. Name a folder: npm run demo -- FOLDER`);
    process.exitCode = 2;
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'mirrorpoint-demo-'));
  const story = new Story(folder, say);
  const interrupted = (): void => {
    void story.abandon().then(() => rm(folder, { recursive: true, force: true })).finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    await tell(story, source, folder);
  } catch (thrown) {
    story.faults.push(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
  } finally {
    await story.abandon();
    await rm(folder, { recursive: true, force: true });
  }
  for (const fault of story.faults.slice(0, 20)) console.error(`demo: ${fault}`);
  console.log(story.faults.length === 0 ? 'The mirror is what the source is.' : `${story.faults.length} faults.`);
  process.exitCode = story.faults.length === 0 ? 0 : 1;
}

await main();

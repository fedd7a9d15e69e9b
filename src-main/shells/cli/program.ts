import { Command, CommanderError } from 'commander';
import { programVersion } from '../headless/program-version.ts';
import type { Surroundings } from './command.ts';
import { addCpCommands } from './cp-commands.ts';
import { exitCodeOf, exitCodes } from './exit-codes.ts';
import { addBrowsingCommands } from './browsing-commands.ts';
import { addCloneCommands } from './clone-commands.ts';
import { addConsoleCommands } from './console-commands.ts';
import { addCopyCommands } from './copy-commands.ts';
import { addEventCommands } from './event-commands.ts';
import { addExploreCommands } from './explore-commands.ts';
import { addFollowCommands } from './follow-commands.ts';
import { addJobCommands } from './job-commands.ts';
import { addLimitCommands } from './limit-commands.ts';
import { addFailoverCommands } from './failover-commands.ts';
import { addMountCommands } from './mount-commands.ts';
import { Output } from './output.ts';
import { addPeerCommands } from './peer-commands.ts';
import { addRelationshipCommands } from './relationship-commands.ts';
import { addRestoreCommands } from './restore-commands.ts';
import { addScheduleCommands } from './schedule-commands.ts';
import { addScrubCommands } from './scrub-commands.ts';
import { addServerCommands } from './server-commands.ts';
import { addSettingsCommands } from './settings-commands.ts';
import { addShareCommands, addUserCommands } from './share-commands.ts';
import { addSnapshotCommands } from './snapshot-commands.ts';
import { addSpaceCommands } from './space-commands.ts';
import { addVolumeCommands } from './volume-commands.ts';

const about = `Keeps a second copy of a volume consistent at every consistency point.

A command finds the running server of its configuration folder by itself, and
works on the closed volumes of that folder when there is none.`;

const moreHelp = `
Places in a volume:
  VOLUME:/path             the live state; on a mirror its last CP
  VOLUME@SNAPSHOT:/path    a snapshot
  VOLUME@cp=NUMBER:/path   a CP that is kept
  VOLUME@last:/path        the last CP

Exit status:
  0  done
  1  a fault; standard error says what, why and what to do next
  2  the command was not understood; nothing was done
  3  a comparison found differences, or a check found damage
  4  done, but some entries were left out
  130  stopped by Ctrl-C

A first volume and its mirror, in two terminals of one machine:
  $ mirrorpoint --config b volume create copy b.img=10G --role mirror --listen ipc://office
  $ mirrorpoint --config b serve
  $ mirrorpoint --config a volume create work a.img=10G --interval 1s
  $ mirrorpoint --config a link work ipc://office
  $ mirrorpoint --config a serve

On two machines the mirror listens at tls://0.0.0.0:PORT, the two are paired by
\`invite\` and \`pair\`, and the link names the other server by --peer.`;

function buildProgram(surroundings: Surroundings): Command {
  const program = new Command('mirrorpoint')
    .description(about)
    .version(programVersion())
    .option('--config <folder>', 'the configuration folder (also MIRRORPOINT_CONFIG)')
    .option('--json', 'print JSON: one document, or a line for each event of a stream')
    .addHelpText('after', moreHelp)
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => surroundings.streams.out.write(text),
      writeErr: (text) => surroundings.streams.err.write(text),
    });
  addVolumeCommands(program, surroundings);
  addServerCommands(program, surroundings);
  addConsoleCommands(program, surroundings);
  addBrowsingCommands(program, surroundings);
  addExploreCommands(program, surroundings);
  addCopyCommands(program, surroundings);
  addFollowCommands(program, surroundings);
  addRestoreCommands(program, surroundings);
  addCpCommands(program, surroundings);
  addSnapshotCommands(program, surroundings);
  addScheduleCommands(program, surroundings);
  addScrubCommands(program, surroundings);
  addRelationshipCommands(program, surroundings);
  addLimitCommands(program, surroundings);
  addSpaceCommands(program, surroundings);
  addFailoverCommands(program, surroundings);
  addCloneCommands(program, surroundings);
  addShareCommands(program, surroundings);
  addUserCommands(program, surroundings);
  addMountCommands(program, surroundings);
  addPeerCommands(program, surroundings);
  addSettingsCommands(program, surroundings);
  addJobCommands(program, surroundings);
  addEventCommands(program, surroundings);
  return program;
}

/** What went wrong first, and then what went wrong while things were put away. */
function faultsIn(thrown: unknown): unknown[] {
  return thrown instanceof SuppressedError ? [...faultsIn(thrown.suppressed), ...faultsIn(thrown.error)] : [thrown];
}

/** Runs one command to its end; resolves to the exit status. */
export async function runCommandLine(
  words: readonly string[],
  options: Omit<Surroundings, 'exitCode'>,
): Promise<number> {
  const surroundings: Surroundings = { ...options, exitCode: exitCodes.ok };
  try {
    await buildProgram(surroundings).parseAsync([...words], { from: 'user' });
    return surroundings.exitCode;
  } catch (thrown) {
    // Commander has said already what it did not understand; help and version are no faults.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const output = new Output({ json: words.includes('--json'), streams: options.streams });
    const faults = faultsIn(thrown);
    for (const fault of faults) output.fault(fault);
    return exitCodeOf(faults[0]);
  }
}

import { MirrorpointError } from '../base/index.ts';
import type { FollowRequest, FollowStep } from '../contract/index.ts';
import { counted } from '../contract/index.ts';
import { IgnoreRules } from '../following/index.ts';
import type { Engine } from './engine.ts';
import { TellingHands } from './follow-hands.ts';
import { openTarget, runPass } from './follow-pass.ts';
import { FollowRecord } from './follow-record.ts';
import { checkRoot, ignoreFileName, readIgnoreFile } from './follow-root.ts';
import type { Job } from './job.ts';
import { procedures } from './procedures.ts';

/** Nothing is watched, and nothing remembered. */
const noWatch = { add: () => true, remove: () => undefined };
const noLines = { read: async () => [], append: async () => undefined, replace: async () => undefined };

/** Goes over the folder as a full compare would, and tells what that would do. */
async function preview(engine: Engine, request: FollowRequest, job: Job<FollowStep>): Promise<{ stepCount: number; bytes: number }> {
  const { localTree: tree, clock } = engine.ports;
  const { folder, ignore, exact, path } = request;
  const { volume } = await engine.shelf.primary(request.volume);
  await engine.follows.checkFolder(folder, ignore);
  const hands = new TellingHands((step) => job.tell(step));
  const record = engine.follows.runningAs(request)?.record ?? (await FollowRecord.open(noLines));
  const rules = new IgnoreRules([...ignore, ...(await readIgnoreFile(tree, folder))], ignoreFileName);
  const root = { local: folder, stat: await checkRoot({ tree, local: folder, record, isWhole: true }) };
  const target = await openTarget({ volume, hands, root }, path);
  const none = { before: () => undefined, hadFault: () => false };
  await runPass({ volume, tree, watch: noWatch, record, rules, isExact: exact, hands, clock, job, root, ...none }, 'all', target);
  return { stepCount: hands.counts.steps, bytes: hands.counts.bytes };
}

const { follow: os } = procedures;

export const followProcedures = {
  add: os.add.handler(async ({ input, context: { engine } }) => {
    if (!engine.isServing) {
      throw new MirrorpointError('server-not-running', 'A folder is followed by a server, and none runs on this configuration folder. Start one by `mirrorpoint serve`.');
    }
    return engine.follows.add(await engine.shelf.lastingPrimary(input.volume), input);
  }),

  remove: os.remove.handler(async ({ input, context: { engine } }) => {
    await engine.follows.remove(input);
    return {};
  }),

  list: os.list.handler(({ input, context: { engine } }) => ({ follows: engine.follows.statuses(input.volume) })),

  preview: os.preview.handler(({ input, context: { engine } }) =>
    engine.jobs.run<FollowStep, { stepCount: number; bytes: number }>(
      { kind: 'follow', subject: `a dry run of ${input.folder} with ${input.volume}:${input.path}`, volume: input.volume },
      (job) => preview(engine, input, job),
      ({ stepCount }) => `${counted(stepCount, 'step')} would be taken.`,
    ),
  ),
};

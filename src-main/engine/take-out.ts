import { ExportJob, type ExportRules } from './export-job.ts';
import type { ExportSource } from './export-source.ts';
import type { ImportCounts } from './import-job.ts';
import type { Job } from './job.ts';
import { LocalTarget } from './local-target.ts';
import type { LocalTree } from './local-tree.ts';

/** Takes a file or folder out to exactly this local path; what is there is replaced only if told, and never a folder. */
export async function takeOut(
  source: ExportSource,
  request: { path: string; local: string; overwrite: boolean },
  how: { tree: LocalTree; job: Job },
): Promise<ImportCounts> {
  const { path, local, overwrite } = request;
  const { tree, job } = how;
  const { folder, name } = tree.split(local);
  const rules: ExportRules = { choiceOf: () => (overwrite ? 'replace' : 'refuse'), leavesSame: false, marksMerged: true };
  const entry = await source.entryAt(path);
  return new ExportJob({ source, target: new LocalTarget(tree, folder), job, rules }).run([{ path, entry, folder, name }]);
}

import { childPath, MirrorpointError, splitPath } from '../../../../src-main/contract/index.ts';
import type { LookAt } from './incoming-plan.ts';

/** Names that are tried beside one that is taken. */
const namesTriedMax = 1000;

/** A name beside one that is taken: `report (2).docx`. */
export function nameBeside(name: string, options: { attempt: number; isFolder: boolean }): string {
  const extension = options.isFolder ? '' : (/(?<=[^.])\.[^.\s]{1,16}$/.exec(name)?.[0] ?? '');
  return `${name.slice(0, name.length - extension.length)} (${options.attempt + 1})${extension}`;
}

/** A path that nothing stands at, beside one that is taken. Throws `exists` when none was found. */
export async function freePath(path: string, isFolder: boolean, lookAt: LookAt): Promise<string> {
  const place = splitPath(path);
  for (let attempt = 1; place !== undefined && attempt <= namesTriedMax; attempt++) {
    const tried = childPath(place.folder, nameBeside(place.name, { attempt, isFolder }));
    if ((await lookAt(tried)) === undefined) return tried;
  }
  throw new MirrorpointError('exists', `No free name was found beside ${path}. Rename something there, and add it again.`);
}

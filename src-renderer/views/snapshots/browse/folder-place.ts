import type { RootChoice } from '../../../../src-main/contract/index.ts';
import { formatState } from '../place-query.ts';
import type { VolumeReader } from '../volume-reader.ts';

/** A folder of one state of a volume. */
export interface FolderPlace {
  readonly reader: VolumeReader;
  readonly at: RootChoice;
  readonly path: string;
}

/** What tells a folder from every other. */
export function folderKey({ reader, at, path }: FolderPlace): string {
  return `${reader.key}\n${formatState(at)}\n${path}`;
}

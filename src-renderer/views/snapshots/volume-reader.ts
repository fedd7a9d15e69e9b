import type { DeletedEntry, FileAttributes, FileVersion, ListedEntry, MirrorpointClient, RootChoice, SearchMatch, Snapshot, StateDifference } from '../../../src-main/contract/index.ts';

interface Listening {
  readonly signal?: AbortSignal;
}

type Input<T> = T & { limit?: number };

/** The states of one volume, here or on a paired server: the same questions either way. */
export interface VolumeReader {
  /** What tells it from every other. */
  readonly key: string;
  readonly volume: string;
  readonly peer: string | undefined;
  list(input: Input<{ at: RootChoice; path: string; after?: string }>, options?: Listening): Promise<{ entries: ListedEntry[]; more: boolean }>;
  stat(input: { at: RootChoice; path: string; follow?: boolean }, options?: Listening): Promise<FileAttributes>;
  openRead(input: { at: RootChoice; path: string }): Promise<{ readId: string; sizeBytes: number; cp: number }>;
  read(input: { readId: string; offsetBytes: number; lengthBytes: number }, options?: Listening): Promise<Blob>;
  closeRead(input: { readId: string }): Promise<unknown>;
  snapshots(input: Input<{ after?: number }>, options?: Listening): Promise<{ snapshots: Snapshot[]; more: boolean }>;
  versions(input: Input<{ path: string; before?: number }>, options?: Listening): Promise<{ versions: FileVersion[]; next?: number | undefined }>;
  deleted(input: Input<{ at: RootChoice; path: string; after?: string }>, options?: Listening): Promise<{ entries: DeletedEntry[]; next?: string | undefined }>;
  search(
    input: Input<{ at: RootChoice; path: string; text: string; isOverAll: boolean; after?: string }>,
    options?: Listening,
  ): Promise<{ matches: SearchMatch[]; next?: string | undefined; state: string }>;
  differences(input: Input<{ older: RootChoice; newer: RootChoice; after?: string }>, options?: Listening): Promise<{ differences: StateDifference[]; next?: string | undefined }>;
}

/** Reads a volume of the server that answers. */
function ownReader(api: MirrorpointClient, volume: string): VolumeReader {
  return {
    key: volume,
    volume,
    peer: undefined,
    list: (input, options) => api.files.list({ volume, ...input }, options),
    stat: (input, options) => api.files.stat({ volume, ...input }, options),
    openRead: (input) => api.files.openRead({ volume, ...input }),
    read: (input, options) => api.files.read(input, options),
    closeRead: (input) => api.files.closeRead(input),
    snapshots: (input, options) => api.snapshots.list({ volume, ...input }, options),
    versions: (input, options) => api.explore.versions({ volume, ...input }, options),
    deleted: (input, options) => api.explore.deleted({ volume, ...input }, options),
    search: (input, options) => api.explore.search({ volume, ...input }, options),
    differences: (input, options) => api.explore.differences({ volume, ...input }, options),
  };
}

/** Reads a volume of a paired server, through the one that answers. */
function remoteReader({ remote }: MirrorpointClient, volume: string, peer: string): VolumeReader {
  return {
    key: `${volume} ${peer}`,
    volume,
    peer,
    list: (input, options) => remote.files.list({ volume, peer, ...input }, options),
    stat: (input, options) => remote.files.stat({ volume, peer, ...input }, options),
    openRead: (input) => remote.files.openRead({ volume, peer, ...input }),
    read: (input, options) => remote.files.read({ peer, ...input }, options),
    closeRead: (input) => remote.files.closeRead({ peer, ...input }),
    snapshots: (input, options) => remote.snapshots.list({ volume, peer, ...input }, options),
    versions: (input, options) => remote.explore.versions({ volume, peer, ...input }, options),
    deleted: (input, options) => remote.explore.deleted({ volume, peer, ...input }, options),
    search: (input, options) => remote.explore.search({ volume, peer, ...input }, options),
    differences: (input, options) => remote.explore.differences({ volume, peer, ...input }, options),
  };
}

export function volumeReader(api: MirrorpointClient, where: { volume: string; peer?: string | undefined }): VolumeReader {
  const { volume, peer } = where;
  return peer === undefined ? ownReader(api, volume) : remoteReader(api, volume, peer);
}

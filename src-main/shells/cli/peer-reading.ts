import type { Command } from 'commander';
import type { MirrorpointClient } from '../../contract/index.ts';

/** What can be read of the server itself, and of a paired one through it. */
export interface ReadingClient {
  readonly files: Pick<MirrorpointClient['files'], 'list' | 'stat' | 'openRead' | 'read' | 'closeRead'>;
  readonly snapshots: Pick<MirrorpointClient['snapshots'], 'list'>;
  readonly explore: MirrorpointClient['explore'];
}

/** Lets a command that reads ask a paired server instead. */
export function withPeerOption(command: Command): Command {
  return command.option('--peer <peer>', 'ask this paired server instead: its name or identity; with @tls://HOST:PORT behind it where no volume is linked to it');
}

/** A peer as commands name it: its name or identity, and where it is if that is said. */
export function parsePeer(text: string): { peer: string; address?: string } {
  const match = /^(.+)@(tls:\/\/[^@]+)$/.exec(text);
  return match === null ? { peer: text } : { peer: match[1]!, address: match[2]! };
}

/** Who is asked: the server itself, or the paired one that the options name. */
export function readerFor(client: MirrorpointClient, options: Readonly<Record<string, unknown>>): ReadingClient {
  const { peer } = options as { peer?: string };
  if (peer === undefined) return client;
  const { files, snapshots, explore } = client.remote;
  const there = parsePeer(peer);
  return {
    files: {
      list: (input) => files.list({ ...input, ...there }),
      stat: (input) => files.stat({ ...input, ...there }),
      openRead: (input) => files.openRead({ ...input, ...there }),
      read: (input) => files.read({ ...input, ...there }),
      closeRead: (input) => files.closeRead({ ...input, ...there }),
    },
    snapshots: { list: (input) => snapshots.list({ ...input, ...there }) },
    explore: {
      versions: (input) => explore.versions({ ...input, ...there }),
      deleted: (input) => explore.deleted({ ...input, ...there }),
      search: (input) => explore.search({ ...input, ...there }),
      differences: (input) => explore.differences({ ...input, ...there }),
    },
  };
}

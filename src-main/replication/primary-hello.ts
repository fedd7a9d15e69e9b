import type { MirrorpointError } from '../base/index.ts';
import type { RootNode } from '../format/index.ts';
import type { Link } from '../transport/index.ts';
import { type WireSessionOptions, WireSession } from '../wire/index.ts';

/** How a server calls itself to others. */
export interface ServerName {
  /** 16 bytes. */
  readonly serverId: Uint8Array;
  readonly serverName: string;
}

interface LeadingVolume {
  readonly id: Uint8Array;
  readonly setId: Uint8Array;
  readonly root: Pick<RootNode, 'blockSizeBytes' | 'blockCount' | 'epoch'>;
}

/** What a primary says of itself and its volume. */
export function primaryHello(volume: LeadingVolume, server: ServerName): WireSessionOptions['hello'] {
  const { serverId, serverName } = server;
  const { blockSizeBytes, blockCount, epoch } = volume.root;
  return { serverId, serverName, volumeId: volume.id, setId: volume.setId, blockSizeBytes, blockCount, epoch };
}

/** Says who leads the volume here, and why the peer is not served, and closes the link. A peer that is a primary of a lower epoch learns so. */
export async function refusePeer(link: Link, volume: LeadingVolume, server: ServerName, fault: MirrorpointError): Promise<void> {
  const session = new WireSession({ role: 'primary', hello: primaryHello(volume, server) });
  const { code, message } = fault;
  try {
    await link.send(session.start());
    await link.send(session.send({ type: 'fault', code, message, final: true }));
  } catch {
    // The peer has gone already.
  }
  await link.close();
}

import { type Clock, isFault, MirrorpointError } from '../base/index.ts';
import type { ConnectOptions, Link } from '../transport/index.ts';
import type { Decide } from './invitation-desk.ts';
import { type Invitation, isInvitationAddress } from './invitation.ts';
import { askTimeoutMs, invitationLifeMs, pairConnectTimeoutMs } from './limits.ts';
import { pairingVersion } from './pairing-message.ts';
import { PairingTalk } from './pairing-talk.ts';
import type { TrustedPeer, TrustedPeers } from './trusted-peers.ts';

/** What carries the exchange: links that demand the identity which the invitation tells. */
export interface PairingCarrier {
  /** This server's own identity. */
  readonly identity: string;
  connectToPair(address: string, options: ConnectOptions): Promise<Link>;
}

export interface PairWithOptions {
  readonly carrier: PairingCarrier;
  readonly clock: Clock;
  readonly serverName: string;
  readonly peers: TrustedPeers;
  /** Looks where else that server is heard of. Wrong hints cost an attempt: who answers has to prove the identity. */
  readonly nearby: () => Promise<readonly string[]>;
  /** Asks this server's administrator, once the other one has said its name. */
  readonly decide: Decide;
  /** Aborted when nobody wants it any more. */
  readonly signal: AbortSignal;
}

/**
 * Takes up an invitation: this server is to be the primary, the inviting one its
 * mirror. Nothing is stored here before this administrator agreed and the other
 * side accepted. Fails with the code of the other side's refusal,
 * 'pairing-refused', 'invitation-invalid' and the faults of connecting.
 */
export async function pairWith(invitation: Invitation, options: PairWithOptions): Promise<TrustedPeer> {
  const { carrier, clock, serverName, peers, decide, signal } = options;
  const { identity, secret } = invitation;
  if (identity === carrier.identity) {
    throw new MirrorpointError('invitation-invalid', 'This invitation is this server\'s own. Use it on the server that has the volume to mirror.');
  }
  await using link = await connectAnywhere(invitation, options);
  const abandon = (): void => void link.close();
  signal.addEventListener('abort', abandon);
  if (signal.aborted) abandon();
  const talk = new PairingTalk(link, clock);
  await talk.say({ type: 'ask', version: pairingVersion, secret, name: serverName });
  const { name } = await talk.expect('offer', askTimeoutMs);
  if (!(await decide({ identity, name, remote: link.remote }))) {
    await talk.say({ type: 'refused', code: 'pairing-refused' });
    throw new MirrorpointError('pairing-refused', `The server '${name}' was refused. Nothing was stored. Ask for a new invitation to try again.`);
  }
  await talk.say({ type: 'confirm' });
  await talk.expect('accepted', invitationLifeMs);
  return await peers.add({ identity, name, role: 'mirror', wallMs: clock.wallMs() });
}

/** Tries the invitation's addresses in order; when none leads there, those that are heard of nearby. */
async function connectAnywhere(invitation: Invitation, { carrier, nearby }: PairWithOptions): Promise<Link> {
  const faults: MirrorpointError[] = [];
  const tryAll = async (addresses: readonly string[]): Promise<Link | undefined> => {
    for (const address of addresses) {
      try {
        return await carrier.connectToPair(address, { peer: invitation.identity, timeoutMs: pairConnectTimeoutMs });
      } catch (fault) {
        if (!isFault(fault)) throw fault;
        faults.push(fault);
      }
    }
    return undefined;
  };
  const link = await tryAll(invitation.addresses);
  if (link !== undefined) return link;
  const hints = new Set((await nearby()).filter(isInvitationAddress));
  const found = await tryAll([...hints].filter((address) => !invitation.addresses.includes(address)));
  if (found !== undefined) return found;
  // A server that answered and was the wrong one says more than one that did not.
  throw faults.find((fault) => fault.faultClass !== 'temporary') ?? faults.at(-1)!;
}

import { bytesEqual, checksumOf, isFault, MirrorpointError, setBigU64 } from '../base/index.ts';
import { parseAddress } from '../transport/index.ts';
import { addressBytesMax, invitationAddressesMax, secretBytes } from './limits.ts';

/** What a mirror's administrator hands to the primary's: where the mirror is, who it is, and that one may pair. */
export interface Invitation {
  /** The identity of the server that invites, 64 hex digits. */
  readonly identity: string;
  /** `secretBytes` random bytes, good once. */
  readonly secret: Uint8Array;
  /** Where it can be reached: `tls://HOST:PORT`, in the order in which to try. */
  readonly addresses: readonly string[];
}

const prefix = 'mirrorpoint-invitation:';
const formVersion = 1;
const identityBytes = 32;
const checksumBytes = 8;
const headBytes = 1 + identityBytes + secretBytes + 1;
const textCharactersMax = 4096;

/** One line to copy. PROTOCOL.md has its form. */
export function encodeInvitation(invitation: Invitation): string {
  const addresses = invitation.addresses.map((address) => Buffer.from(address, 'ascii'));
  const parts = [
    Uint8Array.of(formVersion),
    Buffer.from(invitation.identity, 'hex'),
    invitation.secret,
    Uint8Array.of(addresses.length),
    ...addresses.flatMap((bytes) => [Uint8Array.of(bytes.length), bytes]),
  ];
  const payload = Buffer.concat(parts);
  return `${prefix}${Buffer.concat([payload, checksumBytesOf(payload)]).toString('base64url')}`;
}

/**
 * Reads an invitation back. Line breaks and spaces that a mail program put in do
 * not matter. Fails with 'invitation-invalid' when a letter is wrong, it is cut
 * short, or it comes from a newer program.
 */
export function decodeInvitation(text: string): Invitation {
  const line = text.slice(0, textCharactersMax).replace(/\s/g, '');
  if (!line.startsWith(prefix)) throw invalid(`it does not begin with '${prefix}'`);
  const letters = line.slice(prefix.length);
  const bytes = new Uint8Array(Buffer.from(letters, 'base64url'));
  if (Buffer.from(bytes).toString('base64url') !== letters) throw invalid('it has letters that no invitation has, or was cut short');
  const payload = bytes.subarray(0, Math.max(0, bytes.length - checksumBytes));
  if (!bytesEqual(bytes.subarray(payload.length), checksumBytesOf(payload))) {
    throw invalid('a letter is wrong, or it was cut short');
  }
  return readPayload(payload);
}

function readPayload(payload: Uint8Array): Invitation {
  if (payload[0] !== formVersion) throw invalid('it was made by another version of the program');
  if (payload.length < headBytes) throw invalid('it was cut short');
  const identity = Buffer.from(payload.subarray(1, 1 + identityBytes)).toString('hex');
  const secret = payload.slice(1 + identityBytes, 1 + identityBytes + secretBytes);
  const count = payload[headBytes - 1]!;
  if (count < 1 || count > invitationAddressesMax) throw invalid('it carries no address, or too many');
  const addresses: string[] = [];
  let offset = headBytes;
  for (let index = 0; index < count; index++) {
    const end = offset + 1 + (payload[offset] ?? 0);
    if (end > payload.length) throw invalid('it was cut short');
    const address = Buffer.from(payload.subarray(offset + 1, end)).toString('latin1');
    if (!isInvitationAddress(address)) throw invalid(`'${address.slice(0, 64)}' in it is no address of the form tls://HOST:PORT`);
    addresses.push(address);
    offset = end;
  }
  if (offset !== payload.length) throw invalid('it has more in it than an invitation');
  return { identity, secret, addresses };
}

/** Whether an invitation can carry the address. */
export function isInvitationAddress(address: string): boolean {
  if (!/^tls:\/\/[\x21-\x7e]+$/.test(address) || address.length > addressBytesMax) return false;
  try {
    const parsed = parseAddress(address);
    return parsed.scheme === 'tls' && parsed.port !== 0;
  } catch (fault) {
    if (isFault(fault, 'address-invalid')) return false;
    throw fault;
  }
}

function checksumBytesOf(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(checksumBytes);
  setBigU64(bytes, 0, checksumOf(payload));
  return bytes;
}

function invalid(why: string): MirrorpointError {
  return new MirrorpointError('invitation-invalid', `This invitation cannot be used: ${why}. Copy it again as a whole, or make a new one.`);
}

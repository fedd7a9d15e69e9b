import { SeededRandom } from '../../src-main/base/index.ts';
import { decodeInvitation, encodeInvitation, secretBytes } from '../../src-main/pairing/index.ts';
import { encodePairingMessage, type PairingMessage, PairingReader } from '../../src-main/pairing/pairing-message.ts';
import { bytesOf, type FuzzedDecoder, mustBe, textOf } from '../fuzz/decoder.ts';

const pairingMessages: readonly PairingMessage[] = [
  { type: 'ask', version: 1, secret: new Uint8Array(20).fill(7), name: 'büro' },
  { type: 'offer', name: '../x' },
  { type: 'confirm' },
  { type: 'accepted' },
  { type: 'refused', code: 'invitation-used' },
];

const pairing: FuzzedDecoder = {
  what: 'messages of strangers who pair',
  by: ['PairingReader'],
  codes: ['message-invalid', 'frame-too-large'],
  noiseBytesMax: 40,
  sample: (random) => encodePairingMessage(random.pick(pairingMessages)),
  take: (bytes) => {
    const reader = new PairingReader();
    reader.push(bytes);
    let count = 0;
    while (reader.next() !== undefined) mustBe(++count <= bytes.length, 'more messages than there are bytes');
    return count > 0;
  },
};

const secret = new SeededRandom(9).bytes(secretBytes);
const invitation = encodeInvitation({ identity: 'ab'.repeat(32), secret, addresses: ['tls://192.168.1.20:7400', 'tls://mirror.example.org:443'] });

const invitations: FuzzedDecoder = {
  what: 'invitations',
  by: ['decodeInvitation'],
  codes: ['invitation-invalid'],
  sample: () => bytesOf(invitation),
  take: (bytes, random) => {
    const text = random.chance(0.5) ? textOf(bytes) : `mirrorpoint-invitation:${Buffer.from(bytes).toString('base64url')}`;
    mustBe(decodeInvitation(text).secret.length === secretBytes, 'a secret of another length');
    return true;
  },
};

/** What strangers say, and what people copy. */
export const fuzzed: readonly FuzzedDecoder[] = [pairing, invitations];

import { parseAddress } from '../../src-main/transport/index.ts';
import { bytesOf, type FuzzedDecoder, mustBe, textOf } from '../fuzz/decoder.ts';

const addresses = ['tls://192.168.1.20:7400', 'tls://[fd00::1]:7400', 'tcp://127.0.0.1:9', 'ipc://work', 'memory://mirror'];

const linkAddresses: FuzzedDecoder = {
  what: 'addresses of links',
  by: ['parseAddress'],
  codes: ['address-invalid'],
  sample: (random) => bytesOf(random.pick(addresses)),
  take: (bytes) => {
    const address = parseAddress(textOf(bytes));
    mustBe('name' in address || (address.port >= 0 && address.port <= 65_535), 'a port out of range');
    return true;
  },
};

/** Where links lead. */
export const fuzzed: readonly FuzzedDecoder[] = [linkAddresses];

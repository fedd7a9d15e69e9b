import type { Clock } from '../base/index.ts';
import type { BlocksMessage, Message, Packing } from '../wire/index.ts';
import { LineMeter } from './line-meter.ts';
import { PackingPolicy } from './packing-policy.ts';

/** What a trial packs of a message. */
const trialBytes = 128 * 1024;

/** A message that packing made smaller by less than this part goes as it is. */
const savedPartMin = 1 / 16;

/** Packs messages of blocks where that pays; see PackingPolicy. */
export class Packer {
  readonly meter: LineMeter;
  readonly #packing: Packing;
  readonly #clock: Clock;
  readonly #policy = new PackingPolicy();

  constructor(options: { packing: Packing; clock: Clock }) {
    this.#packing = options.packing;
    this.#clock = options.clock;
    this.meter = new LineMeter(options.clock);
  }

  /** The message to send for this one: a promise when packing is begun. What it holds must not change until then. */
  prepare(message: BlocksMessage, bytesPerSecondMax: number | undefined): Message | Promise<Message> {
    const use = this.meter.read();
    if (use !== undefined) this.#policy.noteLine({ ...use, bytesPerSecondMax });
    const choice = this.#policy.choose();
    return choice === 'plain' ? message : this.#packed(message, choice === 'try');
  }

  /** A part is tried first: so content that cannot be packed costs a part, even where all before it could. */
  async #packed(message: BlocksMessage, isTrial: boolean): Promise<Message> {
    const { cp, requestId, runs, data } = message;
    const bytes = data.length === 1 ? data[0]! : Buffer.concat(data);
    const part = bytes.subarray(0, trialBytes);
    let packed = await this.#pack(part);
    if (isTrial || packed.length > part.length * (1 - savedPartMin)) return message;
    if (part.length < bytes.length) packed = await this.#pack(bytes);
    if (packed.length > bytes.length * (1 - savedPartMin)) return message;
    return { type: 'packed-blocks', cp, requestId, runs, data: [packed] };
  }

  async #pack(bytes: Uint8Array): Promise<Uint8Array> {
    const startedMs = this.#clock.monotonicMs();
    const packed = await this.#packing.pack(bytes);
    this.#policy.noteTrial({ bytes: bytes.length, packedBytes: packed.length, tookMs: this.#clock.monotonicMs() - startedMs });
    return packed;
  }
}

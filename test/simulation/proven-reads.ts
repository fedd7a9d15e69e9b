import { assert, present } from '../../src-main/base/index.ts';
import type { SummedDevice } from './summed-device.ts';

/** Units of one device; far more than any test's device has. */
const unitsMax = 2 ** 32;

/** One proof: the units that it read, in order, what each held, and what was found. */
interface Proof<Found> {
  readonly places: Float64Array;
  readonly sums: Float64Array;
  readonly found: Found;
  /** Proofs that read the same up to a position and met another content there. */
  readonly branches: Map<number, Map<number, Proof<Found>>>;
}

/**
 * What was found on devices. Whoever looks at them decides by the bytes that it
 * reads alone, since clock and random numbers are given. So what it finds on two
 * states that differ only where it does not read is one, and the second need not
 * be looked at. That all reads are the same until they meet a difference is
 * asserted.
 */
export class ProvenReads<Found> {
  /** How often `prove` was called. */
  proofs = 0;
  #first: Proof<Found> | undefined;

  /** What `prove` finds on the devices, which it gets for itself: it must depend on nothing but them. */
  async of(devices: readonly SummedDevice[], prove: () => Promise<Found>): Promise<Found> {
    let proof = this.#first;
    let position = 0;
    while (proof !== undefined && position < proof.places.length) {
      const sum = sumAt(devices, proof.places[position]!);
      if (sum !== proof.sums[position]) {
        const other: Proof<Found> | undefined = proof.branches.get(position)?.get(sum);
        if (other === undefined) break;
        proof = other;
      }
      position++;
    }
    if (proof === undefined || position < proof.places.length) return this.#prove(devices, prove, { proof, position });
    for (const place of proof.places) devices[Math.floor(place / unitsMax)]!.note(place % unitsMax);
    return proof.found;
  }

  async #prove(
    devices: readonly SummedDevice[],
    prove: () => Promise<Found>,
    parting: { proof: Proof<Found> | undefined; position: number },
  ): Promise<Found> {
    this.proofs++;
    const read: number[] = [];
    const sums: number[] = [];
    const stops = devices.map((device, index) =>
      device.watch({
        onRead: (unit, sum) => {
          read.push(index * unitsMax + unit);
          sums.push(sum);
        },
      }),
    );
    const found = await prove();
    for (const stop of stops) stop();
    const mine = { places: Float64Array.from(read), sums: Float64Array.from(sums), found, branches: new Map() };
    const { proof, position } = parting;
    if (proof === undefined) {
      this.#first = mine;
      return found;
    }
    for (let at = 0; at <= position; at++) assert(read[at] === proof.places[at], 'a proof reads the same as others until it meets a difference');
    const others = proof.branches.get(position) ?? new Map<number, Proof<Found>>();
    proof.branches.set(position, others.set(present(sums[position], 'what was read'), mine));
    return found;
  }
}

function sumAt(devices: readonly SummedDevice[], place: number): number {
  return devices[Math.floor(place / unitsMax)]!.sumOf(place % unitsMax);
}

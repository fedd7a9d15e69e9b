import { SeededRandom } from '../../src-main/base/index.ts';
import { DeviceSet, MemoryDevice, OverlayDevice } from '../../src-main/device/index.ts';
import { deviceContract } from '../suites/device-contract.ts';

const mebibyte = 1_048_576;

deviceContract('memory', () => {
  let device: MemoryDevice;
  return {
    open() {
      device = new MemoryDevice({ sizeBytes: 5 * mebibyte });
      return Promise.resolve(device);
    },
    reopen: () => Promise.resolve(device.reopen()),
  };
});

/** Unequal devices whose borders fall in the middle of runs. */
function smallSet(): { devices: MemoryDevice[]; create(): Promise<DeviceSet> } {
  const devices = [4 * mebibyte, 1.5 * mebibyte + 4096, mebibyte + 512 * 9 + 65_536 * 3, 4 * mebibyte].map(
    (sizeBytes, index) => new MemoryDevice({ name: `memory ${index}`, sizeBytes }),
  );
  const random = new SeededRandom(7);
  return {
    devices,
    create: () =>
      DeviceSet.create(devices, {
        volumeId: random.bytes(16),
        setId: random.bytes(16),
        blockSizeBytes: 4096,
        journalBytes: 262_144,
        random,
      }),
  };
}

deviceContract('data region of a set of four devices', () => {
  const { devices, create } = smallSet();
  let set: DeviceSet;
  return {
    async open() {
      set = await create();
      return set.data;
    },
    async reopen() {
      await set.close();
      set = await DeviceSet.open(devices.map((device) => device.reopen()));
      return set.data;
    },
    cleanUp: () => set.close(),
  };
});

deviceContract('overlay of two devices', () => ({
  open: () =>
    Promise.resolve(
      new OverlayDevice({
        name: 'overlay',
        below: new MemoryDevice({ name: 'below', sizeBytes: 5 * mebibyte }),
        above: new MemoryDevice({ name: 'above', sizeBytes: 6 * mebibyte }),
        sizeBytes: 5 * mebibyte,
        unitBytes: 512,
      }),
    ),
}));

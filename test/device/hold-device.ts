/** Run as a process of its own: opens the device given, says so, and holds it until it is killed. */
import { openDevice } from '../../src-main/device/index.ts';

const path = process.argv[2] ?? '';
try {
  await openDevice(path);
  process.stdout.write('held\n');
  setInterval(() => undefined, 1_000);
} catch (fault) {
  process.stdout.write(`refused ${(fault as Error).message}\n`);
}

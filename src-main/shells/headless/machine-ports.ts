import { hostname } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../../base/index.ts';
import type { EnginePorts } from '../../engine/index.ts';
import { createTransports } from '../../transport/index.ts';
import { runtimeFolder } from './config-folder.ts';
import { startByNode, type StartProgram } from './child-program.ts';
import { machineHosts, networkDiscovery } from './local-network.ts';
import { machineTree } from './local-tree.ts';
import { machineWatch } from './local-watch.ts';
import { machineDevices, openScratch } from './machine-devices.ts';
import { MachineDrives } from './machine-drives.ts';
import { machineFolder } from './machine-folder.ts';
import { machineMounts } from './machine-mounts.ts';
import { programVersion } from './program-version.ts';
import { FileLineLog, fileTextStore } from './stored-files.ts';
import { shareDoors } from '../webdav/share-doors.ts';

/** What an engine needs of this machine, for one configuration folder. */
export function machinePorts(options: {
  configFolder: string;
  requestStop: () => void;
  report: EnginePorts['report'];
  /** Starts the programs that run beside this process. */
  startProgram?: StartProgram | undefined;
}): EnginePorts {
  const { configFolder, requestStop, report, startProgram = startByNode() } = options;
  const identity = fileTextStore(join(configFolder, 'identity.pem'));
  return {
    clock: systemClock,
    random: systemRandom,
    utcOffsetMinutes: (wallMs) => -new Date(wallMs).getTimezoneOffset(),
    settings: fileTextStore(join(configFolder, 'settings.json')),
    log: (name) => new FileLineLog(join(configFolder, 'history', `${name}.jsonl`)),
    devices: machineDevices,
    openScratch: (name, { sizeBytes, folder = join(configFolder, 'clones') }) => openScratch(name, { sizeBytes, folder }),
    localTree: machineTree,
    watchFolder: (root, listener) => machineWatch(root, listener),
    transport: createTransports({ ipcFolder: runtimeFolder() }),
    trust: {
      identity,
      peers: fileTextStore(join(configFolder, 'peers.json')),
      hosts: machineHosts,
    },
    discovery: networkDiscovery(startProgram),
    mounts: machineMounts,
    machine: { drives: new MachineDrives(startProgram).list, folder: machineFolder },
    shareDoors: shareDoors({ clock: systemClock, random: systemRandom, identity }),
    defaultServerName: hostname().slice(0, 120) || 'mirrorpoint',
    processId: process.pid,
    configFolder,
    version: programVersion(),
    requestStop,
    report,
  };
}

import { networkInterfaces } from 'node:os';
import type { NearbyServer } from '../../contract/index.ts';
import type { Discovery } from '../../engine/index.ts';
import { plainName } from '../../pairing/index.ts';
import { type DiscoveryTask, heardServerSchema } from '../programs/discovery-task.ts';
import { hearReports, type StartProgram } from './child-program.ts';

/** How long to listen for answers, how long that may take with the start of the program, and how many to keep. */
const listenMs = 1500;
const findMsMax = 10_000;
const nearbyMax = 64;
const heardCharactersMax = 1 << 20;

/** How long an announcing program may take to say that it is over. */
const goodbyeMs = 2000;

/** An address of one link, which means nothing elsewhere. */
function ofOneLink(address: string): boolean {
  return address.toLowerCase().startsWith('fe80:');
}

/** The addresses of this machine at which others reach it, those of IPv4 first. */
export function machineHosts(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const reached = all.filter((one) => !one.internal && !ofOneLink(one.address));
  const families = ['IPv4', 'IPv6'].map((family) => reached.filter((one) => one.family === family));
  return families.flat().map((one) => one.address);
}

/** The local network, by a program of its own for each look and each announcement. */
export function networkDiscovery(start: StartProgram): Discovery {
  const begin = (task: DiscoveryTask): ReturnType<StartProgram> => start('discovery', JSON.stringify(task));
  let looking: Promise<NearbyServer[]> | undefined;
  const look = async (): Promise<NearbyServer[]> => {
    const found = new Map<string, NearbyServer>();
    await hearReports(begin({ task: 'find', listenMs }), {
      schema: heardServerSchema,
      onReport: (server) => void found.set(server.identity, { ...server, name: plainName(server.name) }),
      timeMs: findMsMax,
      reportsMax: nearbyMax,
      charactersMax: heardCharactersMax,
    });
    return [...found.values()];
  };
  return {
    find() {
      // Whoever asks meanwhile hears the same.
      looking ??= look().finally(() => {
        looking = undefined;
      });
      return looking;
    },

    announce(server) {
      const program = begin({ task: 'announce', ...server });
      program.output.resume();
      return () => {
        program.stop();
        const timer = setTimeout(() => {
          program.kill();
        }, goodbyeMs);
        timer.unref();
        void program.ended.then(() => {
          clearTimeout(timer);
        });
      };
    },
  };
}

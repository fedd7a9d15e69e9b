import { isFault } from '../base/index.ts';
import type { Engine } from './engine.ts';

/**
 * Takes a CP on every primary that is open, as before the machine sleeps. A
 * volume that cannot is passed over, with an event.
 */
export async function takeCpsBeforeSleep({ shelf, events }: Engine): Promise<void> {
  const primaries = shelf.opened.filter((open) => open.role === 'primary');
  await Promise.all(
    primaries.map(async ({ name, volume }) => {
      try {
        await volume.takeCp('sleep');
      } catch (fault) {
        if (!isFault(fault)) throw fault;
        events.add(`volume ${name}`, `No CP could be taken before the machine went to sleep: ${fault.message}`, { level: 'warning' });
      }
    }),
  );
}

/** Has every relationship begin on a new link at once: those from before a sleep are dead, and nothing has noticed yet. */
export async function renewLinks({ shelf, relationships, mirrors }: Engine): Promise<void> {
  relationships.renew();
  for (const { name, role } of shelf.opened) if (role === 'mirror') await mirrors.renew(name);
}

import type { Event, PowerMonitor } from 'electron';
import { renewLinks, takeCpsBeforeSleep, type Engine } from '../../engine/index.ts';

/**
 * Follows the machine's power: a CP on every primary before it sleeps, links
 * anew as soon as it wakes, and an end in order before it shuts down.
 */
export function followPower(power: PowerMonitor, options: { engine: Promise<Engine>; quit: () => void }): void {
  const { engine, quit } = options;
  power.on('suspend', () => {
    // The system waits for nobody, so whatever the CP has not reached stays in the journal.
    void engine.then(takeCpsBeforeSleep);
  });
  power.on('resume', () => {
    void engine.then(renewLinks);
  });
  // The types leave out the event. Where the system tells of its end, it waits for this program's.
  const beforeShutdown = (event: Event): void => {
    event.preventDefault();
    quit();
  };
  power.on('shutdown', beforeShutdown as () => void);
}

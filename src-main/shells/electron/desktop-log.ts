import type { Level } from '../../contract/index.ts';
import type { Engine } from '../../engine/index.ts';
import { refusalsNotedMax, waitingNotesMax } from './limits.ts';

interface Note {
  readonly text: string;
  readonly level: Level;
}

/** What the desktop shell has to say, in the server's events, where Activity shows it. */
export class DesktopLog {
  #events: Engine['events'] | undefined;
  readonly #waiting: Note[] = [];
  #refusalCount = 0;

  /** From now on notes go to this server; those that wait go first. */
  attach(engine: Engine): void {
    this.#events = engine.events;
    for (const { text, level } of this.#waiting.splice(0)) engine.events.add('window', text, { level });
  }

  add(text: string, level: Level = 'info'): void {
    if (this.#events !== undefined) this.#events.add('window', text, { level });
    else if (this.#waiting.length < waitingNotesMax) this.#waiting.push({ text, level });
  }

  /** Notes what a page was refused; no page can fill the events that way. */
  refused(what: string): void {
    this.#refusalCount++;
    if (this.#refusalCount > refusalsNotedMax) return;
    const end = this.#refusalCount === refusalsNotedMax ? ' Further refusals are not noted until the program starts again.' : '';
    this.add(`The window was refused ${what}.${end}`, 'warning');
  }
}

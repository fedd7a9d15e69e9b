import { inject, type InjectionKey, type Ref } from 'vue';
import type { Host } from '../../client/index.ts';
import type { ScreenPlace } from './place-query.ts';
import type { RestoreFlow } from './restore/use-restore.ts';
import type { TakenItems } from './restore/taken-items.ts';
import type { VolumeChoice } from './volume-choices.ts';
import type { VolumeReader } from './volume-reader.ts';

/** What the parts of the screen share. */
export interface ScreenContext {
  readonly place: Readonly<Ref<ScreenPlace>>;
  /** Changes the address; the step can be taken back. */
  readonly go: (change: Partial<ScreenPlace>) => void;
  /** The volume whose states are shown, and how it is read. */
  readonly volume: Readonly<Ref<VolumeChoice>>;
  readonly reader: Readonly<Ref<VolumeReader>>;
  /** The volume of this server that is restored into; undefined where none takes changes. */
  readonly target: Readonly<Ref<VolumeChoice | undefined>>;
  readonly restoring: RestoreFlow;
  /** Lets a person choose a folder, and restores into it. */
  readonly askWhereTo: (items: TakenItems) => void;
  /** What is being dragged. */
  readonly dragged: Ref<TakenItems | undefined>;
  /** What was taken up by the keyboard. */
  readonly remembered: Ref<TakenItems | undefined>;
  readonly host: Host;
}

export const screenKey: InjectionKey<ScreenContext> = Symbol('snapshots screen');

export function useScreen(): ScreenContext {
  const screen = inject(screenKey);
  if (screen === undefined) throw new TypeError('a part of the screen stands outside of it');
  return screen;
}

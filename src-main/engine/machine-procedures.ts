import { toHex } from '../base/index.ts';
import { describeDrives, type VolumeOnDrives } from './drives.ts';
import type { Engine } from './engine.ts';
import { procedures } from './procedures.ts';

function volumesOf({ book, shelf }: Engine): VolumeOnDrives[] {
  const ids = new Map(shelf.opened.map((open) => [open.name, toHex(open.role === 'primary' ? open.volume.id : open.mirror.id)]));
  return book.current.volumes.map(({ name, devices }) => ({ name, devices, volumeId: ids.get(name) }));
}

export const machineProcedures = {
  drives: procedures.machine.drives.handler(async ({ context: { engine } }) => {
    const facts = await engine.ports.machine.drives(volumesOf(engine).flatMap(({ devices }) => devices));
    return { drives: describeDrives(facts, volumesOf(engine)) };
  }),

  folder: procedures.machine.folder.handler(({ input, context: { engine } }) => engine.ports.machine.folder(input.path)),
};

import { defineStore } from 'pinia';
import { computed } from 'vue';
import type { MachineFolder } from '../../src-main/contract/index.ts';
import { useConnectionStore } from './connection.ts';

/** Chooses by the system's own dialog; undefined when the person chose nothing. */
export type NativeChoice = (title: string) => Promise<string | undefined>;

/** The machine that the server runs on: its folders, and dialogs of the system where the window is on it. */
export const useMachineStore = defineStore('machine', () => {
  const connection = useConnectionStore();

  const folder = (path: string | undefined): Promise<MachineFolder> => connection.api.machine.folder(path === undefined ? {} : { path });
  const chooseFolder = computed<NativeChoice | undefined>(() => {
    const { desktop } = connection.host;
    return desktop === undefined ? undefined : (title) => desktop.chooseFolder({ title });
  });
  const chooseFile = computed<NativeChoice | undefined>(() => {
    const { desktop } = connection.host;
    return desktop === undefined ? undefined : async (title) => (await desktop.chooseFiles({ title, isFolder: false }))[0];
  });

  return { folder, chooseFolder, chooseFile };
});

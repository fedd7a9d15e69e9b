import { computed, type Ref, ref, watch } from 'vue';
import { isFault, type MirrorpointError } from '../../../../src-main/contract/index.ts';
import { useConnectionStore } from '../../../stores/index.ts';
import type { FolderPlace } from '../browse/folder-place.ts';
import { parentOf } from '../browse/path-crumbs.ts';
import { useScreen } from '../screen-context.ts';
import { volumeReader } from '../volume-reader.ts';

/** Which folder of the live volume is shown: the one that was gone to, or the one of the chosen state's pane, as far as it is there. */
export function useLiveFolder(volume: () => string): {
  place: Ref<FolderPlace>;
  isFollowing: Ref<boolean>;
  /** The folder that is followed and is not there. */
  missing: Ref<string | undefined>;
  goTo(path: string): void;
  follow(isOn: boolean): void;
  onFault(fault: MirrorpointError | undefined): void;
} {
  const screen = useScreen();
  const connection = useConnectionStore();
  const reader = computed(() => volumeReader(connection.api, { volume: volume() }));
  const isFollowing = computed(() => screen.place.value.folder === undefined);
  const wanted = computed(() => screen.place.value.folder ?? screen.place.value.path);
  /** How far up one had to go. */
  const found = ref(wanted.value);
  watch(wanted, (path) => {
    found.value = path;
  });

  return {
    place: computed(() => ({ reader: reader.value, at: 'live' as const, path: found.value })),
    isFollowing,
    missing: computed(() => (found.value === wanted.value ? undefined : wanted.value)),
    goTo: (path) => {
      screen.go({ folder: path });
    },
    follow: (isOn) => {
      screen.go({ folder: isOn ? undefined : found.value });
    },
    onFault: (fault) => {
      const isGone = isFault(fault, 'not-found') || isFault(fault, 'not-a-directory');
      if (isGone && found.value !== '/') found.value = parentOf(found.value);
    },
  };
}

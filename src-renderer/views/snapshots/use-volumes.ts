import { storeToRefs } from 'pinia';
import { computed, onScopeDispose, type Ref, shallowRef, watch } from 'vue';
import { isFault, type Peer } from '../../../src-main/contract/index.ts';
import { faultOf } from '../../composables/index.ts';
import { useConnectionStore, useServerStore } from '../../stores/index.ts';
import { type AskedPeer, ownChoices, peerChoices, sharingPeers, type VolumeChoice } from './volume-choices.ts';

/** How often paired servers are asked how far their volumes are. */
const askEveryMs = 15_000;

/** The volumes whose states can be looked at: this server's, and those of the paired servers that share one with it. */
export function useVolumes(): {
  /** Undefined until this server has answered. */
  own: Ref<readonly VolumeChoice[] | undefined>;
  others: Ref<readonly VolumeChoice[]>;
  /** Paired servers that do not answer, and why. */
  silent: Ref<readonly AskedPeer[]>;
  /** Every paired server that can be asked has answered or failed once. */
  isAsked: Ref<boolean>;
} {
  const connection = useConnectionStore();
  const { isConnected } = storeToRefs(connection);
  const { status, relationships } = storeToRefs(useServerStore());
  const peers = shallowRef<readonly Peer[]>([]);
  const asked = shallowRef<readonly AskedPeer[]>([]);
  const isAsked = shallowRef(false);

  async function ask(known: Pick<AskedPeer, 'identity' | 'name'>): Promise<AskedPeer[]> {
    try {
      return [{ ...known, about: await connection.api.remote.server.about({ peer: known.identity }), refusal: undefined }];
    } catch (thrown) {
      // Nobody here knows where it is: a mirror is reached by its primary, and not the other way round.
      if (isFault(thrown, 'argument-invalid')) return [];
      const before = asked.value.find(({ identity }) => identity === known.identity);
      return [{ ...known, about: before?.about, refusal: faultOf(thrown).message }];
    }
  }

  async function askAll(): Promise<void> {
    if (!isConnected.value || status.value === undefined) return;
    try {
      ({ peers: peers.value } = await connection.api.peers.list({}));
      asked.value = (await Promise.all(sharingPeers(relationships.value, peers.value).map(ask))).flat();
      isAsked.value = true;
    } catch {
      // The connection broke; it is asked again when it stands.
    }
  }

  const related = computed(() => relationships.value.map(({ peerIdentity }) => peerIdentity).join());
  watch([isConnected, related, () => status.value === undefined], () => void askAll(), { immediate: true });
  const timer = setInterval(() => void askAll(), askEveryMs);
  onScopeDispose(() => {
    clearInterval(timer);
  });

  return {
    own: computed(() => status.value && ownChoices(status.value)),
    others: computed(() => asked.value.flatMap((peer) => peerChoices(peer, relationships.value))),
    silent: computed(() => asked.value.filter(({ refusal }) => refusal !== undefined)),
    isAsked,
  };
}

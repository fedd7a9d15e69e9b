import { storeToRefs } from 'pinia';
import { computed, type ComputedRef, ref, watch } from 'vue';
import type { Peer } from '../../../src-main/contract/index.ts';
import { type Answer, useAnswer } from '../../composables/index.ts';
import { usePairingStore, useConnectionStore, useServerStore } from '../../stores/index.ts';
import { currentStep, linkOf, type PairingDraft, type PairingFacts, type PairingStep, readDraft } from './pairing-steps.ts';

const storageKey = 'mirrorpoint-pairing';

const draft = ref<PairingDraft>();

/** A pairing that is under way on this server: what was chosen, and where it stands by what the server says. */
export function usePairingDraft(): {
  draft: typeof draft;
  facts: ComputedRef<PairingFacts | undefined>;
  step: ComputedRef<PairingStep | undefined>;
  link: ComputedRef<ReturnType<typeof linkOf>>;
  peers: Answer<{ name: string; identity: string; peers: Peer[] }>;
  begin: (side: PairingDraft['side']) => void;
  choose: (part: Partial<Omit<PairingDraft, 'side' | 'serverId'>>) => void;
  forget: () => void;
} {
  const connection = useConnectionStore();
  const { isConnected } = storeToRefs(connection);
  const { status } = storeToRefs(useServerStore());
  const pairing = usePairingStore();
  const serverId = computed(() => status.value?.serverId);
  const peers = useAnswer({ isConnected, version: () => pairing.peer?.identity, ask: () => connection.api.peers.list({}) });

  watch(
    serverId,
    (id) => {
      draft.value = id === undefined ? undefined : readDraft(localStorage.getItem(storageKey), id);
    },
    { immediate: true },
  );
  const keep = (next: PairingDraft | undefined): void => {
    draft.value = next;
    if (next === undefined) localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, JSON.stringify(next));
  };

  const facts = computed<PairingFacts | undefined>(() => {
    const known = peers.answer.value;
    return status.value === undefined || known === undefined
      ? undefined
      : { volumes: status.value.volumes, relationships: status.value.relationships, peers: known.peers };
  });
  return {
    draft,
    facts,
    step: computed(() => (draft.value === undefined || facts.value === undefined ? undefined : currentStep(draft.value, facts.value))),
    link: computed(() => (draft.value === undefined || facts.value === undefined ? undefined : linkOf(draft.value, facts.value.relationships))),
    peers,
    begin: (side) => {
      if (serverId.value !== undefined) keep({ side, serverId: serverId.value });
    },
    choose: (part) => {
      if (draft.value !== undefined) keep({ ...draft.value, ...part });
    },
    forget: () => {
      keep(undefined);
    },
  };
}

import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import { isFault, type MirrorpointError, type NearbyServer, type PairingEvent, type Peer } from '../../src-main/contract/index.ts';
import { faultOf } from '../composables/index.ts';
import { useConnectionStore } from './connection.ts';

type Invitation = Extract<PairingEvent, { type: 'invitation' }>;
type Question = Extract<PairingEvent, { type: 'question' }>;

/** What this server is in a pairing: the one that invites is to hold the copy. */
export type PairingSide = 'mirror' | 'primary';

/** One pairing at a time, from the invitation to its end; it goes on while other screens are shown, and ends with the window. */
export const usePairingStore = defineStore('pairing', () => {
  const connection = useConnectionStore();
  const side = ref<PairingSide>();
  const invitation = shallowRef<Invitation>();
  const question = shallowRef<Question>();
  /** What was answered; the other side may still have to. */
  const isAccepted = ref<boolean>();
  const peer = shallowRef<Peer>();
  const fault = shallowRef<MirrorpointError>();
  const isRunning = ref(false);
  let current: AbortController | undefined;

  function reset(): void {
    current?.abort();
    current = undefined;
    side.value = undefined;
    invitation.value = undefined;
    question.value = undefined;
    isAccepted.value = undefined;
    peer.value = undefined;
    fault.value = undefined;
    isRunning.value = false;
  }

  function hear(event: PairingEvent): void {
    if (event.type === 'invitation') invitation.value = event;
    else if (event.type === 'question') question.value = event;
    else if (event.type === 'paired') peer.value = event.peer;
  }

  async function follow(as: PairingSide, open: (signal: AbortSignal) => Promise<AsyncIterable<PairingEvent>>): Promise<void> {
    reset();
    const controller = new AbortController();
    current = controller;
    side.value = as;
    isRunning.value = true;
    try {
      for await (const event of await open(controller.signal)) if (current === controller) hear(event);
    } catch (thrown) {
      if (current === controller && !isFault(thrown, 'cancelled')) fault.value = faultOf(thrown);
    } finally {
      if (current === controller) {
        isRunning.value = false;
        invitation.value = undefined;
      }
    }
  }

  const invite = (addresses: readonly string[]): Promise<void> =>
    follow('mirror', (signal) => connection.api.pairing.invite({ addresses: [...addresses] }, { signal }));
  const accept = (text: string, nearby: readonly NearbyServer[]): Promise<void> =>
    follow('primary', (signal) => connection.api.pairing.accept({ invitation: text, nearby: [...nearby] }, { signal }));

  async function answer(accepted: boolean): Promise<void> {
    if (question.value === undefined || isAccepted.value !== undefined) return;
    isAccepted.value = accepted;
    try {
      await connection.api.pairing.answer({ questionId: question.value.questionId, isAccepted: accepted });
    } catch (thrown) {
      fault.value = faultOf(thrown);
    }
  }

  /** A question that waits for this server's administrator. */
  const isAsked = computed(() => question.value !== undefined && isAccepted.value === undefined && isRunning.value);

  return { side, invitation, question, isAccepted, isAsked, peer, fault, isRunning, invite, accept, answer, reset };
});

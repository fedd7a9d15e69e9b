import { defineStore } from 'pinia';
import { computed, type ShallowRef, shallowRef } from 'vue';
import type { MirrorpointClient } from '../../src-main/contract/index.ts';
import type { ConnectionState, ConsoleClient, Host } from '../client/index.ts';

/** The way to the engine, and whether it stands. */
export const useConnectionStore = defineStore('connection', () => {
  const client: ShallowRef<ConsoleClient | undefined> = shallowRef();
  const state = shallowRef<ConnectionState>('connecting');
  /** It has stood before: what is shown then is out of date, not missing. */
  const wasOpen = shallowRef(false);

  /** Called once, before anything is shown. */
  function attach(own: ConsoleClient): void {
    client.value = own;
    const become = (now: ConnectionState): void => {
      state.value = now;
      wasOpen.value ||= now === 'open';
    };
    become(own.state);
    own.onState(become);
  }

  function required(): ConsoleClient {
    if (client.value === undefined) throw new TypeError('the client is attached before anything asks for it');
    return client.value;
  }

  const api = computed<MirrorpointClient>(() => required().api);
  const host = computed<Host>(() => required().host);
  const isConnected = computed(() => state.value === 'open');

  return { attach, retry: () => { required().retry(); }, api, host, state, isConnected, wasOpen };
});

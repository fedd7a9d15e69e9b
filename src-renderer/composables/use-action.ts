import { type Ref, ref, shallowRef } from 'vue';
import { isFault, MirrorpointError, reasonOf } from '../../src-main/contract/index.ts';

/** Something that a person asks for, one at a time: whether it is under way, and what went wrong last. */
export interface Action<Input extends unknown[]> {
  readonly isBusy: Ref<boolean>;
  /** Stays until it is dismissed or the action is tried again. */
  readonly fault: Ref<MirrorpointError | undefined>;
  /** Resolves to whether it was done. */
  run(...input: Input): Promise<boolean>;
  dismiss(): void;
}

/** Any thrown value as a fault that can be shown; a defect of the program keeps its text. */
export function faultOf(thrown: unknown): MirrorpointError {
  if (isFault(thrown)) return thrown;
  return new MirrorpointError('peer-fault', `The program met a fault of its own: ${reasonOf(thrown)}. What you see may be out of date; load it anew.`, { cause: thrown });
}

/** Wraps work that a button or form starts. A cancelled one is no fault. */
export function useAction<Input extends unknown[]>(work: (...input: Input) => Promise<unknown>): Action<Input> {
  const isBusy = ref(false);
  const fault = shallowRef<MirrorpointError>();
  return {
    isBusy,
    fault,
    async run(...input) {
      if (isBusy.value) return false;
      isBusy.value = true;
      fault.value = undefined;
      try {
        await work(...input);
        return true;
      } catch (thrown) {
        if (!isFault(thrown, 'cancelled')) fault.value = faultOf(thrown);
        return false;
      } finally {
        isBusy.value = false;
      }
    },
    dismiss() {
      fault.value = undefined;
    },
  };
}

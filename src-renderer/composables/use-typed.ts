import { computed, type ComputedRef, type Ref, ref } from 'vue';
import { isFault } from '../../src-main/contract/index.ts';

/** A text field that stands for some value. */
export interface Typed<T> {
  readonly text: Ref<string>;
  /** Undefined while the text means nothing. */
  readonly value: ComputedRef<T | undefined>;
  /** Why the text means nothing; an empty field is only not filled in yet. */
  readonly fault: ComputedRef<string | undefined>;
}

interface Judged<T> {
  readonly value?: T;
  readonly fault?: string;
}

function judge<T>(text: string, parse: (text: string) => T): Judged<T> {
  try {
    return { value: parse(text) };
  } catch (thrown) {
    if (!isFault(thrown)) throw thrown;
    return { fault: thrown.message };
  }
}

/** Reads a field as its person types, by a parser that throws coded faults. */
export function useTyped<T>(parse: (text: string) => T, initial: string | Ref<string> = ''): Typed<T> {
  const text = ref(initial);
  const judged = computed(() => judge(text.value, parse));
  return {
    text,
    value: computed(() => judged.value.value),
    fault: computed(() => (text.value.trim() === '' ? undefined : judged.value.fault)),
  };
}

/** What a schema of the contract has against a value, in its own words; undefined when nothing. */
export function faultBySchema(
  schema: { safeParse(value: unknown): { success: boolean; error?: { issues: readonly { message: string }[] } | undefined } },
  value: unknown,
): string | undefined {
  const { error } = schema.safeParse(value);
  return error === undefined ? undefined : (error.issues[0]?.message ?? 'this cannot be meant');
}

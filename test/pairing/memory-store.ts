import type { TrustStore } from '../../src-main/pairing/index.ts';

/** A store in memory, whose text a test can see and set. */
export class MemoryStore implements TrustStore {
  readonly name = 'the test store';
  text: string | undefined;

  constructor(text?: string) {
    this.text = text;
  }

  read(): Promise<string | undefined> {
    return Promise.resolve(this.text);
  }

  write(text: string): Promise<void> {
    this.text = text;
    return Promise.resolve();
  }
}

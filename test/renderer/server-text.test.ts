import { describe, expect, it } from 'vitest';
import { partsOfText } from '../../src-renderer/components/server-text.ts';

describe('a sentence of the server', () => {
  it('keeps its words, and has its moments and commands set apart', () => {
    const text = 'The mirror stands at CP 7 of 2026-03-01T10:20:30Z; go on by `mirrorpoint resume work`.';
    expect(partsOfText(text)).toEqual([
      { kind: 'text', text: 'The mirror stands at CP 7 of ' },
      { kind: 'time', wallMs: Date.UTC(2026, 2, 1, 10, 20, 30) },
      { kind: 'text', text: '; go on by ' },
      { kind: 'code', text: 'mirrorpoint resume work' },
      { kind: 'text', text: '.' },
    ]);
  });

  it('without either is one piece', () => {
    expect(partsOfText('Nothing to do.')).toEqual([{ kind: 'text', text: 'Nothing to do.' }]);
    expect(partsOfText('')).toEqual([]);
  });
});

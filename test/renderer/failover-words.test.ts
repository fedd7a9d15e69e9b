import { describe, expect, it } from 'vitest';
import type { FailoverProspect, SwitchOverEvent } from '../../src-main/contract/index.ts';
import { commonCpOf, missingWords, needsResync, promotionRefusal, proposedClone, shownSteps, switchOverOutcome } from '../../src-renderer/views/failover/failover-words.ts';

const stopping: SwitchOverEvent = { type: 'step', step: 'stopping-changes' };
const last: SwitchOverEvent = { type: 'step', step: 'last-cp', cp: 12 };
const handing: SwitchOverEvent = { type: 'step', step: 'handing-over', cp: 12, epoch: 3 };
const done: SwitchOverEvent = { type: 'done', durationMs: 1500, problemCount: 0, cp: 12, epoch: 3 };

describe('a switch-over', () => {
  const states = (events: readonly SwitchOverEvent[], isRunning: boolean): string[] => shownSteps(events, isRunning).map(({ state }) => state);

  it('shows which step it is at, and what is behind it', () => {
    expect(states([], true)).toEqual(['to come', 'to come', 'to come', 'to come']);
    expect(states([stopping], true)).toEqual(['now', 'to come', 'to come', 'to come']);
    expect(states([stopping, last], true)).toEqual(['done', 'now', 'to come', 'to come']);
    expect(states([stopping, last, handing], true)).toEqual(['done', 'done', 'now', 'to come']);
    expect(states([stopping, last, handing, done], false)).toEqual(['done', 'done', 'done', 'done']);
  });

  it('that failed shows where, and never a success', () => {
    expect(states([stopping, last], false)).toEqual(['done', 'not done', 'to come', 'to come']);
    expect(switchOverOutcome([stopping, last, handing], 'office')).toBeUndefined();
    expect(switchOverOutcome([handing, done], 'office')).toBe('The roles are swapped after 1.5 s: office is the primary in epoch 3, and this server follows it. Nothing is lost.');
  });

  it('calls a CP safe only from when both have it', () => {
    expect([commonCpOf([stopping, last]), commonCpOf([stopping, last, handing]), commonCpOf([done])]).toEqual([undefined, 12, 12]);
  });
});

describe('promoting a mirror', () => {
  const prospect: FailoverProspect = { cp: 7, cpWallMs: 1, ageMs: 2, epoch: 1, primaryCp: 7, isConnected: false, primaryName: 'attic' };

  it('says what is missing, as far as that is known', () => {
    expect(missingWords(prospect)).toBe('No newer CP of attic is known here; whatever it took since then is missing.');
    expect(missingWords({ ...prospect, primaryCp: 8 })).toBe('attic is known to have taken CP 8: 1 CP is missing here, and whatever it took since.');
  });

  it('is refused without a whole CP, and while a state is set aside', () => {
    expect(promotionRefusal(prospect)).toBeUndefined();
    expect(promotionRefusal({ ...prospect, cp: 0 })).toContain('nothing to promote');
    expect(promotionRefusal({ ...prospect, setAside: { name: 'before-epoch-2', cp: 5, wallMs: 0 } })).toContain('‘before-epoch-2’');
  });
});

describe('coming back', () => {
  it('asks for a decision where a mirror is ahead or of another history, on the primary alone', () => {
    expect(needsResync({ role: 'primary', code: 'peer-diverged' })).toBe(true);
    expect(needsResync({ role: 'primary', code: 'no-common-cp' })).toBe(true);
    expect([needsResync({ role: 'mirror', code: 'peer-diverged' }), needsResync({ role: 'primary', code: 'link-closed' }), needsResync({ role: 'primary' })]).toEqual([false, false, false]);
  });

  it('tries out under a name that nothing here has', () => {
    expect(proposedClone('work', ['work'])).toBe('work-trial');
    expect(proposedClone('work', ['work', 'work-trial', 'work-trial-2'])).toBe('work-trial-3');
  });
});

import { type FailoverProspect, formatDuration, type RelationshipStatus, type SwitchOverEvent, type SwitchOverStep } from '../../../src-main/contract/index.ts';
import { plural } from '../../composables/index.ts';

/** Whether the two sides speak with each other. */
export function hasSession({ state }: Pick<RelationshipStatus, 'state'>): boolean {
  return state === 'live' || state === 'catching-up' || state === 'baseline';
}

type StepName = SwitchOverStep['step'] | 'done';

/** One step of a switch-over: what happens, and what it means for whom. */
export interface ShownStep {
  readonly step: StepName;
  readonly title: string;
  readonly meaning: string;
  readonly state: 'to come' | 'now' | 'done' | 'not done';
}

const steps: readonly { readonly step: StepName; readonly title: string; readonly meaning: string }[] = [
  { step: 'stopping-changes', title: 'No more changes here', meaning: 'Reads go on. Whoever writes is refused until the other server leads.' },
  { step: 'last-cp', title: 'A last CP, and the mirror gets it', meaning: 'When the mirror has exactly this CP, nothing can be lost. Until here it can be given up, and nothing has changed.' },
  { step: 'handing-over', title: 'The mirror is asked to lead', meaning: 'From here on neither takes changes until it is known who leads; there is no way back by itself.' },
  { step: 'done', title: 'The other server leads', meaning: 'This server follows it. People and programs that write go there from now on.' },
];

/** The steps of a switch-over as far as its events tell. */
export function shownSteps(events: readonly SwitchOverEvent[], isRunning: boolean): ShownStep[] {
  const reached = events.flatMap((event) => (event.type === 'step' ? [event.step] : event.type === 'done' ? ['done' as const] : []));
  const last = steps.findIndex(({ step }) => step === reached.at(-1));
  return steps.map((one, index) => {
    const isOver = index < last || (index === last && one.step === 'done');
    const state = isOver ? 'done' : index > last ? 'to come' : isRunning ? 'now' : 'not done';
    return { ...one, state };
  });
}

/** The last CP of a switch-over, once both sides have it. */
export function commonCpOf(events: readonly SwitchOverEvent[]): number | undefined {
  return events.flatMap((event) => (event.type === 'done' || (event.type === 'step' && event.step === 'handing-over') ? (event.cp ?? []) : [])).at(-1);
}

/** Where a clone begins, or a promoted volume goes on. */
export type StartState = 'last' | { readonly snapshot: string };

/** What came of a switch-over; undefined before its end. */
export function switchOverOutcome(events: readonly SwitchOverEvent[], otherName: string): string | undefined {
  const done = events.find((event) => event.type === 'done');
  if (done === undefined) return undefined;
  return `The roles are swapped after ${formatDuration(done.durationMs)}: ${otherName} is the primary in epoch ${done.epoch}, and this server follows it. Nothing is lost.`;
}

/** What promoting a mirror would mean for what is missing then. */
export function missingWords({ cp, primaryCp, primaryName = 'the primary' }: FailoverProspect): string {
  return primaryCp > cp
    ? `${primaryName} is known to have taken CP ${primaryCp}: ${plural(primaryCp - cp, 'CP')} ${primaryCp - cp === 1 ? 'is' : 'are'} missing here, and whatever it took since.`
    : `No newer CP of ${primaryName} is known here; whatever it took since then is missing.`;
}

/** Why a mirror cannot be promoted, whatever one wants; undefined when it can, by force at least. */
export function promotionRefusal({ cp, setAside }: FailoverProspect): string | undefined {
  if (cp === 0) return 'The mirror has not received a whole CP yet, so there is nothing to promote. Wait for its first one.';
  return setAside === undefined
    ? undefined
    : `It keeps a state aside as ‘${setAside.name}’, which would be lost if it became the primary. Copy out what is needed, and delete that below.`;
}

/** A mirror that a person has to decide about: it is ahead of this primary, or of another history. */
export function needsResync({ role, code }: Pick<RelationshipStatus, 'role' | 'code'>): boolean {
  return role === 'primary' && (code === 'peer-diverged' || code === 'no-common-cp');
}

/** A name for a clone that nothing here has yet. */
export function proposedClone(volume: string, taken: readonly string[]): string {
  const first = `${volume.slice(0, 56)}-trial`;
  for (let count = 1; ; count++) {
    const name = count === 1 ? first : `${first}-${count}`;
    if (!taken.includes(name)) return name;
  }
}

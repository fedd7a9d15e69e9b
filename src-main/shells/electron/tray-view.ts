import { alertPath, type RelationshipStatus, type ServerStatus, type Verdict } from '../../contract/index.ts';
import { tooltipLengthMax, trayLinesMax } from './limits.ts';

/** What the tray's icon shows by its shape. */
export type TrayMark = 'normal' | 'attention' | 'problem';

export interface TrayLine {
  readonly text: string;
  /** The screen that a click opens. */
  readonly path: string;
}

/** All that the tray shows. */
export interface TrayView {
  readonly mark: TrayMark;
  readonly tooltip: string;
  /** The worst that there is, in words. */
  readonly headline: TrayLine;
  readonly lines: readonly TrayLine[];
}

type Level = Verdict['level'];

const marks: Readonly<Record<Level, TrayMark>> = { good: 'normal', working: 'normal', attention: 'attention', problem: 'problem' };
const words: Readonly<Record<Level, string>> = { good: 'All is well', working: 'Under way', attention: 'Needs attention', problem: 'Problem' };
const ranks: Readonly<Record<Level, number>> = { good: 0, working: 1, attention: 2, problem: 3 };

interface Judgement extends TrayLine {
  readonly level: Level;
}

function ends({ volume, role, peerName, address }: RelationshipStatus): string {
  const other = peerName ?? address;
  return role === 'primary' ? `${volume} to ${other}` : `${volume} from ${other}`;
}

function relationshipLines(status: ServerStatus): Judgement[] {
  return status.relationships.map((one) => ({ level: one.verdict.level, text: `${ends(one)}: ${one.verdict.sentence}`, path: '/' }));
}

function volumeLines(status: ServerStatus): Judgement[] {
  const related = new Set(status.relationships.map(({ volume }) => volume));
  return status.volumes.flatMap(({ name, role, fault, transition, cloneOf }): Judgement[] => {
    if (fault !== undefined) return [{ level: 'problem', text: `${name} is not served: ${fault.message}`, path: '/volumes' }];
    if (related.has(name)) return [];
    if (cloneOf !== undefined) return [{ level: 'good', text: `${name} is a clone of ${cloneOf}`, path: '/volumes' }];
    if (transition !== undefined) return [{ level: 'working', text: `${name} changes its role`, path: '/failover' }];
    // A volume that is mirrored nowhere is not in order.
    return [{ level: 'attention', text: role === 'primary' ? `${name} is not mirrored` : `${name} waits for its primary`, path: '/pairing' }];
  });
}

function alertLines(status: ServerStatus): Judgement[] {
  return status.alerts.map((alert) => ({
    level: alert.level === 'problem' ? 'problem' : 'attention',
    text: `${alert.subject}: ${alert.text}`,
    path: alertPath(alert),
  }));
}

/** Cuts a text where a system would, with a sign that it was. */
function cut(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
}

function listed(lines: readonly Judgement[], what: string, path: string): TrayLine[] {
  const shown = lines.slice(0, trayLinesMax).map((line) => ({ text: cut(line.text, tooltipLengthMax), path: line.path }));
  const rest = lines.length - shown.length;
  return rest === 0 ? shown : [...shown, { text: `and ${rest} more ${what}`, path }];
}

/** What the tray says of a server: the worst of all verdicts and alerts, then one line for each. */
export function trayView(status: ServerStatus): TrayView {
  const [volumes, relationships, alerts] = [volumeLines(status), relationshipLines(status), alertLines(status)];
  // A verdict says more than the alert that goes with it.
  const [worst] = [...volumes, ...relationships, ...alerts].sort((first, second) => ranks[second.level] - ranks[first.level]);
  const level = worst?.level ?? 'good';
  const text = worst === undefined ? 'No volumes yet' : `${words[level]}: ${worst.text}`;
  return {
    mark: marks[level],
    tooltip: cut(`Mirrorpoint. ${text}`, tooltipLengthMax),
    headline: { text: cut(text, tooltipLengthMax), path: worst?.path ?? '/volumes' },
    lines: [
      ...listed(relationships, 'relationships', '/'),
      ...listed(volumes, 'volumes', '/volumes'),
      ...listed(alerts, 'alerts', '/activity'),
    ],
  };
}

/** What the tray says while the server opens or ends. */
export function quietTrayView(text: string): TrayView {
  return { mark: 'normal', tooltip: `Mirrorpoint. ${text}`, headline: { text, path: '/' }, lines: [] };
}

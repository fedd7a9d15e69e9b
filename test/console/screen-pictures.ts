import type { Page } from 'playwright-core';

/** A picture of a screen for the documents. A screen that is to be in them has its line here. */
export interface ScreenPicture {
  /** The name of its file, without the appearance. */
  readonly name: string;
  /** Whose console it is: that of the server with the files, or of the one with the copy. */
  readonly of: 'primary' | 'mirror';
  readonly path: string;
  /** What has to be there before the picture is taken. */
  readonly shows: string | RegExp;
  readonly appearances: readonly ('light' | 'dark')[];
  /** Brings the screen into the state of the picture. */
  readonly prepare?: (page: Page) => Promise<void>;
}

export const screenPictures: readonly ScreenPicture[] = [
  { name: 'overview', of: 'primary', path: '/', shows: /is mirrored to 'office'/, appearances: ['light', 'dark'] },
  { name: 'overview-mirror', of: 'mirror', path: '/', shows: /follows 'attic'/, appearances: ['light'] },
  { name: 'volumes', of: 'primary', path: '/volumes?volume=projects', shows: 'projects', appearances: ['light'] },
  { name: 'snapshots', of: 'primary', path: '/snapshots', shows: 'Snapshots and restore', appearances: ['light', 'dark'] },
  { name: 'schedule', of: 'primary', path: '/schedule?volume=projects', shows: 'Schedule', appearances: ['light'] },
  { name: 'pairing', of: 'mirror', path: '/pairing', shows: 'Pairing', appearances: ['light'] },
  { name: 'failover', of: 'mirror', path: '/failover', shows: 'Failover', appearances: ['light'] },
  { name: 'activity', of: 'primary', path: '/activity?tab=cps', shows: 'its interval', appearances: ['light'] },
  { name: 'settings', of: 'primary', path: '/settings', shows: 'Trusted servers', appearances: ['light'] },
];

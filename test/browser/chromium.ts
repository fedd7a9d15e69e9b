import { describe } from 'vitest';
import { missingBecause } from './launching.ts';

export { launchChromium, type OpenPage, openPage, type PageFaults, sharedChromium, watchContext } from './launching.ts';

if (missingBecause !== undefined) {
  process.stderr.write(`SKIPPED: no Chromium runs here, so the tests in a browser do not run: ${missingBecause}\n`);
}

/** As `describe`; skipped aloud where no Chromium runs. */
export const describeInChromium = describe.skipIf(missingBecause !== undefined);

import manifest from '../../../package.json' with { type: 'json' };

/** The version of the program; a build has it inside. */
export function programVersion(): string {
  return manifest.version;
}

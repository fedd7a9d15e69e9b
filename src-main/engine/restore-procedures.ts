import { procedures } from './procedures.ts';
import { startRestore } from './restore.ts';
import { previewRestore } from './restore-preview.ts';

const { restore: os } = procedures;

export const restoreProcedures = {
  preview: os.preview.handler(({ input, signal, context }) => previewRestore(context, input, signal)),

  start: os.start.handler(async ({ input, context: { engine } }) => ({ jobId: await startRestore(engine, input) })),
};

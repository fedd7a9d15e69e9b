import { runCommandLine } from './program.ts';

const interruption = new AbortController();
let interruptions = 0;

process.on('SIGINT', () => {
  interruptions++;
  // The first one asks, the second one insists.
  if (interruptions > 1) process.exit(130);
  interruption.abort();
});
process.on('SIGTERM', () => {
  interruption.abort();
});

// A reader that has seen enough is no fault.
process.stdout.on('error', (fault: NodeJS.ErrnoException) => {
  if (fault.code === 'EPIPE') process.exit(0);
  throw fault;
});

process.exitCode = await runCommandLine(process.argv.slice(2), {
  streams: { out: process.stdout, err: process.stderr },
  signal: interruption.signal,
});

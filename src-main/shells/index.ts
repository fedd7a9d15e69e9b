/**
 * Shells: what runs the engine on a machine: the command line, the headless
 * server, the desktop window. A shell owns the process, its signals and its
 * ports to the machine. What could stop or harm a server, a drive that does not
 * answer or what strangers send over the local network, is left to small
 * programs (`programs`) beside it; they run for a short while, and what they
 * report is bounded and checked. Shells are started, not imported; only programs
 * that host an engine themselves, such as the benchmark, and tests of the
 * console in a browser enter here.
 */
export { buildConsole, consoleSourcesDigest } from './console-build.ts';
export { contentSecurityPolicy } from './console-files.ts';
export { machinePorts } from './headless/machine-ports.ts';
export { smallHeapFlags } from './small-heap.js';

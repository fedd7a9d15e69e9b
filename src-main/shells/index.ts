/**
 * Shells: what runs the engine on a machine: the command line, the headless
 * server, the desktop window. A shell owns the process, its signals and its
 * ports to the machine. Shells are started, not imported; only programs that
 * host an engine themselves, such as the benchmark, enter here.
 */
export { machinePorts } from './headless/machine-ports.ts';
export { keepYoungSpaceSmall } from './headless/server-memory.ts';

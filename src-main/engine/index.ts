/**
 * Engine: the server without a shell. It implements the contract over the
 * volumes, mirrors and relationships that its settings name.
 *
 * - It reaches nothing by itself: files, devices, links, the clock and
 *   randomness are ports that the shell passes in.
 * - It owns every volume it opened, every listener and every relationship, and
 *   closes them in the order relationships, listeners, jobs, volumes.
 * - A change of the settings holds once it is stored, and is stored before the
 *   answer.
 * - Jobs are bounded in number and in memory. They end when nobody listens,
 *   but for those that go on by themselves, which end before their volume is
 *   closed.
 */
export type * from './ports.ts';
export type * from './local-tree.ts';
export { wholeFileBytesMax } from './local-tree.ts';
export type { EngineSession } from './session.ts';
export { Engine } from './engine.ts';
export { openServedFiles } from './serving.ts';
export type { EngineOptions } from './engine.ts';
export { Download } from './download.ts';
export type { DownloadEntry } from './download.ts';
export { PeerDesk } from './peer-desk.ts';
export { renewLinks, takeCpsBeforeSleep } from './sleep.ts';
export { clientOf, engineRouter } from './router.ts';
export { withCodedFaults } from './procedures.ts';
export type { ProcedureContext } from './procedures.ts';
export { parseSettings } from './settings.ts';
export { checkNewPassword, hashPassword, isPassword, passwordCharactersMax, passwordHashSchema } from './password-hash.ts';
export type { PasswordHash } from './password-hash.ts';

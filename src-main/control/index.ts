/**
 * Control: questions and answers between two servers that trust each other,
 * over one link. It knows nothing of what is asked.
 *
 * - A message is whole or it is not heard: it has a length, a head and a body,
 *   each with a named maximum. What is no message ends the link.
 * - Only few questions are dealt with side by side, and a link on which nobody
 *   asks is ended.
 * - Whatever comes over a link is an operating fault at worst, on either side.
 *
 * Who may ask, and what, is judged by who answers. Time and links are passed in.
 * PROTOCOL.md has the bytes.
 */
export * from './limits.ts';
export { answerQuestions } from './answer-questions.ts';
export type { AnswerOptions } from './answer-questions.ts';
export { Questioner } from './questioner.ts';

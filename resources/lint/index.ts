/**
 * The house's own lint rules: they hold the floors of the source tree and keep
 * the clock, randomness and the outside world where they belong.
 */
import type { ESLint } from 'eslint';
import { ambientRule } from './rule-ambient.ts';
import { floorsRule } from './rule-floors.ts';

export const housePlugin: ESLint.Plugin = {
  meta: { name: 'house' },
  rules: { floors: floorsRule, ambient: ambientRule },
};

#!/usr/bin/env node
// Plain JavaScript: it must run, and explain itself, under a Node that is too old for the rest.
import { fileURLToPath } from 'node:url';
import { continueOnSuitableNode } from '../node-version.js';

if (await continueOnSuitableNode(fileURLToPath(import.meta.url))) {
  await import(new URL('./main.ts', import.meta.url).href);
}

#!/usr/bin/env node
// Plain JavaScript: it must run, and explain itself, under a Node that is too old for the rest.
import * as nodeModule from 'node:module';
import { fileURLToPath } from 'node:url';
import { continueOnSuitableNode } from '../node-version.js';
import { keepHeapSmall } from '../small-heap.js';

if (await continueOnSuitableNode(fileURLToPath(import.meta.url))) {
  keepHeapSmall();
  // Compiled code is kept beside the packages, which makes a command start three times as fast.
  nodeModule.enableCompileCache(fileURLToPath(new URL('../../../node_modules/.cache/mirrorpoint', import.meta.url)));
  await import(new URL('./main.ts', import.meta.url).href);
}

import { describe, expect, it } from 'vitest';
import { PlantedProject } from './planted-project.ts';

const wrong = "export const planted: number = 'a string';\n";

const component = `<script setup lang="ts">
const planted: number = 'a string';
</script>

<template>
  <p>{{ planted }}</p>
</template>
`;

const faultyTemplate = `<script setup lang="ts">
defineProps<{ name: string }>();
</script>

<template>
  <p>{{ nmae }}</p>
</template>
`;

const planted: Readonly<Record<string, string>> = {
  'src-main/tree/planted.ts': wrong,
  'src-main/shells/planted.js': `/** @type {number} */\n${wrong.replace(': number', '')}`,
  'src-renderer/planted.ts': wrong,
  'src-renderer/components/Planted.vue': component,
  'src-renderer/views/FaultyTemplate.vue': faultyTemplate,
  'test/tree/planted.test.ts': wrong,
  'resources/lint/planted.ts': wrong,
  'planted.config.ts': wrong,
};

describe('the type check', () => {
  it('finds an error in every kind of file, and nothing in files without one', () => {
    using project = new PlantedProject({ ...planted, 'src-main/tree/right.ts': 'export const right: number = 1;\n' });
    const run = project.run('vue-tsc/bin/vue-tsc.js', ['--noEmit', '-p', 'tsconfig.json']);
    expect(run.status).not.toBe(0);
    const faulty = new Set(Array.from(run.output.matchAll(/^(\S+?)\(\d+,\d+\): error TS/gm), (match) => match[1]));
    expect([...faulty].sort()).toEqual(Object.keys(planted).sort());
  });

  it('refuses syntax that Node cannot run as it is', () => {
    using project = new PlantedProject({
      'src-main/base/colour.ts': 'export enum Colour {\n  red,\n}\n',
      'src-main/base/holder.ts': 'export class Holder {\n  constructor(readonly held: number) {}\n}\n',
    });
    const { output } = project.run('vue-tsc/bin/vue-tsc.js', ['--noEmit', '-p', 'tsconfig.json']);
    expect(output).toMatch(/colour\.ts.*TS1294/);
    expect(output).toMatch(/holder\.ts.*TS1294/);
  });
});

import type { LineLog } from '../../src-main/engine/index.ts';

/** Lines in memory. */
export class MemoryLog implements LineLog {
  lines: string[] = [];

  async read(): Promise<readonly string[]> {
    return [...this.lines];
  }

  async append(lines: readonly string[]): Promise<void> {
    this.lines.push(...lines);
  }

  async replace(lines: readonly string[]): Promise<void> {
    this.lines = [...lines];
  }
}

import { type Ref, shallowRef } from 'vue';
import { childPath, type MirrorpointError, pathParts } from '../../../../src-main/contract/index.ts';
import { faultOf } from '../../../composables/index.ts';

/** A page of the folders that a folder has, behind the last entry that was looked at. */
export interface FolderPage {
  readonly names: readonly string[];
  /** Where to go on. Left out at the end. */
  readonly next?: string | undefined;
}

/** A line of the tree as it is shown. */
export interface TreeLine {
  readonly path: string;
  readonly name: string;
  /** From 1 for the root. */
  readonly level: number;
  readonly isOpen: boolean;
  readonly isLoading: boolean;
  /** Its folders are known, and there are none. */
  readonly isEmpty: boolean;
  /** No folder: goes on with the folders of its path, of which not all are known. */
  readonly isMore: boolean;
}

interface Node {
  names: string[];
  next: string | undefined;
  isKnown: boolean;
  isOpen: boolean;
  isLoading: boolean;
}

/** Folders whose content is remembered. */
const nodesMax = 10_000;

/** The folders of one state as a tree, each asked for its own when it is opened. */
export class TreeModel {
  /** What is shown, from the root down. */
  readonly lines: Ref<readonly TreeLine[]> = shallowRef([]);
  readonly fault: Ref<MirrorpointError | undefined> = shallowRef();
  readonly #ask: (path: string, after: string | undefined, signal: AbortSignal) => Promise<FolderPage>;
  readonly #root: string;
  readonly #nodes = new Map<string, Node>();
  readonly #controller = new AbortController();

  constructor(options: { root: string; ask: (path: string, after: string | undefined, signal: AbortSignal) => Promise<FolderPage> }) {
    this.#root = options.root;
    this.#ask = options.ask;
    this.#show();
  }

  close(): void {
    this.#controller.abort();
  }

  async open(path: string): Promise<void> {
    const node = this.#node(path);
    node.isOpen = true;
    if (node.isKnown) this.#show();
    else await this.more(path);
  }

  shut(path: string): void {
    this.#node(path).isOpen = false;
    this.#show();
  }

  /** Asks for further folders of a folder. */
  async more(path: string): Promise<void> {
    const node = this.#node(path);
    if (node.isLoading) return;
    node.isLoading = true;
    this.#show();
    try {
      const page = await this.#ask(path, node.next, this.#controller.signal);
      if (this.#controller.signal.aborted) return;
      node.names = [...new Set([...node.names, ...page.names])];
      node.next = page.next;
      node.isKnown = true;
      this.fault.value = undefined;
    } catch (thrown) {
      node.isOpen = false;
      if (!this.#controller.signal.aborted) this.fault.value = faultOf(thrown);
    } finally {
      node.isLoading = false;
      this.#show();
    }
  }

  /** Opens what leads to a folder, so that it has a line. */
  async reveal(path: string): Promise<void> {
    const parts = pathParts(path);
    for (let depth = 0; depth < parts.length; depth++) {
      const folder = `/${parts.slice(0, depth).join('/')}`;
      await this.open(folder);
      if (this.#controller.signal.aborted) return;
      const node = this.#node(folder);
      // It may stand behind what was looked at.
      if (node.isKnown && !node.names.includes(parts[depth]!)) node.names.push(parts[depth]!);
    }
    this.#show();
  }

  /** Forgets what a folder has; it is asked again if it is open. */
  async renew(path: string): Promise<void> {
    const node = this.#nodes.get(path);
    if (node?.isKnown !== true) return;
    Object.assign(node, { names: [], next: undefined, isKnown: false });
    if (node.isOpen) await this.more(path);
    else this.#show();
  }

  #node(path: string): Node {
    let node = this.#nodes.get(path);
    if (node === undefined) {
      node = { names: [], next: undefined, isKnown: false, isOpen: false, isLoading: false };
      this.#nodes.set(path, node);
      if (this.#nodes.size > nodesMax) this.#forgetShut();
    }
    return node;
  }

  #forgetShut(): void {
    for (const [path, node] of this.#nodes) if (!node.isOpen && !node.isLoading) this.#nodes.delete(path);
  }

  #show(): void {
    const lines: TreeLine[] = [];
    const add = (path: string, name: string, level: number): void => {
      const node = this.#nodes.get(path);
      const isEmpty = node !== undefined && node.isKnown && node.names.length === 0 && node.next === undefined;
      const isOpen = node?.isOpen === true;
      lines.push({ path, name, level, isOpen, isLoading: node?.isLoading === true, isEmpty, isMore: false });
      if (node === undefined || !isOpen) return;
      for (const child of node.names) add(childPath(path, child), child, level + 1);
      if (node.next !== undefined) lines.push({ path, name: 'Look for more folders', level: level + 1, isOpen: false, isLoading: node.isLoading, isEmpty: true, isMore: true });
    };
    add('/', this.#root, 1);
    this.lines.value = lines;
  }
}

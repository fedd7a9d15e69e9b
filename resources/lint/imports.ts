import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import type { TSESTree } from '@typescript-eslint/utils';
import ts from 'typescript';

/** One import, export-from, `import()` or `require()` with a literal specifier. */
export interface ImportSite {
  readonly node: TSESTree.Node;
  readonly specifier: string;
  /** Erased before the program runs. */
  readonly typeOnly: boolean;
}

function literal(node: TSESTree.Node | null | undefined): string | undefined {
  return node?.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined;
}

type Listener = Record<string, (node: never) => void>;

/** Visitor methods that call `visit` for every import of a file. */
export function importVisitor(visit: (site: ImportSite) => void): Listener {
  const visitSource = (node: TSESTree.Node, source: TSESTree.Node | null | undefined, typeOnly: boolean): void => {
    const specifier = literal(source);
    if (specifier !== undefined) visit({ node, specifier, typeOnly });
  };
  return {
    ImportDeclaration: (node: TSESTree.ImportDeclaration) => {
      visitSource(node, node.source, node.importKind === 'type');
    },
    ExportNamedDeclaration: (node: TSESTree.ExportNamedDeclaration) => {
      visitSource(node, node.source, node.exportKind === 'type');
    },
    ExportAllDeclaration: (node: TSESTree.ExportAllDeclaration) => {
      visitSource(node, node.source, node.exportKind === 'type');
    },
    ImportExpression: (node: TSESTree.ImportExpression) => {
      visitSource(node, node.source, false);
    },
    TSImportType: (node: TSESTree.TSImportType) => {
      visitSource(node, node.source, true);
    },
    CallExpression: (node: TSESTree.CallExpression) => {
      if (node.callee.type === 'Identifier' && node.callee.name === 'require') {
        visitSource(node, node.arguments[0], false);
      }
    },
  };
}

/** A path relative to the project folder, with slashes. */
export function projectPath(projectFolder: string, file: string): string {
  return relative(projectFolder, file).split(sep).join('/');
}

/** The file that a relative specifier names, as an absolute path. */
export function targetOf(file: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? resolve(dirname(file), specifier) : undefined;
}

const importsByFile = new Map<string, { readonly modifiedMs: number; readonly targets: readonly string[] }>();

function scriptText(file: string): string {
  const text = readFileSync(file, 'utf8');
  if (!file.endsWith('.vue')) return text;
  return Array.from(text.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g), (match) => match[1] ?? '').join('\n');
}

/** The project's files that a file on disk imports; read once for each change of the file. */
export function importedFiles(file: string): readonly string[] {
  if (!/\.(ts|js|vue)$/.test(file) || !existsSync(file)) return [];
  const modifiedMs = statSync(file).mtimeMs;
  const known = importsByFile.get(file);
  if (known?.modifiedMs === modifiedMs) return known.targets;
  const targets = ts
    .preProcessFile(scriptText(file), true, true)
    .importedFiles.map((reference) => targetOf(file, reference.fileName))
    .filter((target) => target !== undefined);
  importsByFile.set(file, { modifiedMs, targets });
  return targets;
}

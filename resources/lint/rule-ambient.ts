import { isBuiltin } from 'node:module';
import type { Rule, Scope } from 'eslint';
import type { TSESTree } from '@typescript-eslint/utils';
import { ambientRooms, placeOf } from './floors.ts';
import { importVisitor, projectPath, type ImportSite } from './imports.ts';

/** Modules that reach the clock, the network, files, processes or the machine's settings. */
const ambientModules: ReadonlySet<string> = new Set([
  ...['fs', 'fs/promises', 'net', 'tls', 'http', 'https', 'http2', 'dgram', 'dns', 'dns/promises', 'child_process'],
  ...['cluster', 'os', 'perf_hooks', 'timers', 'timers/promises', 'process', 'readline', 'module'],
  ...['ws', 'node-ipc', 'bonjour-service', 'systeminformation', 'env-paths'],
]);

/** Globals of the same kind. */
const ambientGlobals: ReadonlySet<string> = new Set([
  ...['setTimeout', 'setInterval', 'setImmediate', 'performance', 'fetch', 'WebSocket', 'EventSource'],
]);

const ambientMembers: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['Math', new Set(['random'])],
  ['process', new Set(['env', 'cwd', 'chdir', 'hrtime', 'uptime', 'argv', 'exit', 'kill'])],
  ['crypto', new Set(['getRandomValues', 'randomUUID'])],
  ['AbortSignal', new Set(['timeout'])],
]);

const randomOfCrypto = /^(random|getRandomValues$|webcrypto$|pseudoRandom|prng|rng$|default$)/;

function memberName(node: TSESTree.Node): string | undefined {
  if (node.type !== 'MemberExpression') return undefined;
  if (!node.computed && node.property.type === 'Identifier') return node.property.name;
  return node.property.type === 'Literal' ? String(node.property.value) : undefined;
}

/** `new Date(ms)`, `Date.UTC()`, `Date.parse()` and `instanceof Date` read no clock. */
function readsNoClock(identifier: TSESTree.Identifier): boolean {
  const { parent } = identifier;
  if (parent.type === 'NewExpression') return parent.callee === identifier && parent.arguments.length > 0;
  if (parent.type === 'BinaryExpression') return parent.operator === 'instanceof';
  return ['UTC', 'parse', 'prototype'].includes(memberName(parent) ?? '');
}

/** What a use of a global reaches for by itself, or undefined. */
function ambientUse(identifier: TSESTree.Identifier): string | undefined {
  const { name, parent } = identifier;
  const member = memberName(parent);
  if (name === 'globalThis') {
    if (member === undefined) return undefined;
    const known = ambientGlobals.has(member) || ambientMembers.has(member) || member === 'Date';
    return known ? `globalThis.${member}` : undefined;
  }
  if (ambientGlobals.has(name)) return name;
  if (name === 'Date') return readsNoClock(identifier) ? undefined : member === undefined ? 'Date' : `Date.${member}`;
  const members = ambientMembers.get(name);
  if (members === undefined) return undefined;
  // A whole object that is handed on or taken apart can no longer be followed.
  if (parent.type !== 'MemberExpression' || member === undefined) return name;
  return members.has(member) ? `${name}.${member}` : undefined;
}

/** References that no declaration of the file answers. */
function globalReferences(globalScope: Scope.Scope | null): readonly Scope.Reference[] {
  if (globalScope === null) return [];
  const builtIn = globalScope.variables.filter((variable) => variable.defs.length === 0);
  return [...globalScope.through, ...builtIn.flatMap((variable) => variable.references)];
}

function isErased(site: ImportSite): boolean {
  if (site.typeOnly) return true;
  if (site.node.type !== 'ImportDeclaration' || site.node.specifiers.length === 0) return false;
  return site.node.specifiers.every((part) => part.type === 'ImportSpecifier' && part.importKind === 'type');
}

function importedNames(node: TSESTree.Node): readonly string[] {
  if (node.type !== 'ImportDeclaration') return ['default'];
  return node.specifiers.map((part) =>
    part.type === 'ImportSpecifier' && part.imported.type === 'Identifier' ? part.imported.name : 'default',
  );
}

const passItIn = 'below the shells it is passed in, so that two servers can run in one process on virtual time';

/** Keeps the clock, the random source, the network and paths out of the rooms that get them passed in. */
export const ambientRule: Rule.RuleModule = {
  meta: { type: 'problem', schema: [], docs: { description: 'Clock, randomness, network and paths are passed in.' } },
  create(context) {
    const place = placeOf(projectPath(context.cwd, context.filename));
    const visitImport = (site: ImportSite): void => {
      const report = (message: string): void => {
        context.report({ node: site.node, message });
      };
      if (isErased(site)) return;
      if (place.side === 'src-renderer') {
        if (isBuiltin(site.specifier)) report(`the renderer has no Node: ${site.specifier}`);
        return;
      }
      const module = site.specifier.replace(/^node:/, '');
      if (ambientModules.has(module)) report(`${site.specifier} in ${place.room}/: ${passItIn}`);
      if (module === 'crypto' && importedNames(site.node).some((name) => randomOfCrypto.test(name))) {
        report(`randomness of ${site.specifier} in ${place.room}/ (hashes are imported by name): ${passItIn}`);
      }
    };
    const isMain = place.side === 'src-main' && !ambientRooms.has(place.room);
    if (!isMain && place.side !== 'src-renderer') return {};
    const listener = importVisitor(visitImport) as Rule.RuleListener;
    if (!isMain) return listener;
    return {
      ...listener,
      'Program:exit'() {
        for (const reference of globalReferences(context.sourceCode.scopeManager.globalScope)) {
          if ((reference as { isTypeReference?: boolean }).isTypeReference === true) continue;
          const use = ambientUse(reference.identifier as TSESTree.Identifier);
          if (use !== undefined) {
            context.report({ node: reference.identifier, message: `${use} in ${place.room}/: ${passItIn}` });
          }
        }
      },
    };
  },
};

/**
 * Who may import whom. The room that serves a wire owns its definition and the client imports it; nothing else crosses.
 * The filter sees one file of constants, the agent sees the controller's wire, the controller sees nobody.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root, sourceFiles } from './files.ts';

interface Rule {
  readonly room: string;
  /** Path prefixes outside the room that it may import. */
  readonly may: readonly string[];
}

const rules: readonly Rule[] = [
  { room: 'filter/', may: ['agent/wire/layout'] },
  { room: 'agent/', may: ['controller/wire/'] },
  // The command starts the other processes; it is where everything is put together.
  { room: 'controller/cli/', may: ['controller/', 'agent/main', 'deploy/local/'] },
  { room: 'controller/', may: [] },
  { room: 'models/', may: [] },
  { room: 'deploy/', may: ['controller/routes/', 'controller/wire/', 'controller/generate/envoy.ts', 'agent/wire/'] },
  { room: 'test/', may: ['filter/', 'agent/', 'controller/', 'models/', 'deploy/'] },
];

// In the filter, bare paths are AssemblyScript's own or the ABI package.
const importPattern = /(?:^|\n)\s*(?:import|export)\s[^'";]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g;

export function importsOf(text: string): string[] {
  return [...text.matchAll(importPattern)].map((match) => match[1] ?? match[2] ?? '');
}

export function breaches(file: string, imports: readonly string[]): string[] {
  const rule = rules.find((candidate) => file.startsWith(candidate.room));
  if (!rule) return [`${file} belongs to no room`];
  return imports
    .filter((path) => path.startsWith('.'))
    .map((path) => normalize(join(dirname(file), path)))
    .filter((path) => !path.startsWith(rule.room) && !rule.may.some((prefix) => path.startsWith(prefix)))
    .map((path) => `${file} imports ${path}`);
}

test('every import stays within its room or goes through a wire it may use', () => {
  const found = sourceFiles().flatMap((file) => breaches(file, importsOf(readFileSync(join(root, file), 'utf8'))));
  assert.equal(found, []);
});

test('a controller that imports the agent is found out', () => {
  assert.equal(breaches('controller/hub/session.ts', importsOf("import { x } from '../../agent/agent.ts';\n")), [
    'controller/hub/session.ts imports agent/agent.ts',
  ]);
  assert.equal(breaches('agent/agent.ts', importsOf("import type {\n  x,\n} from '../controller/controller.ts';\n")), [
    'agent/agent.ts imports controller/controller.ts',
  ]);
  assert.equal(breaches('agent/agent.ts', importsOf("import { x } from '../controller/wire/codec.ts';\n")), []);
});

test.run();

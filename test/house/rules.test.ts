/** The house: what a reader may rely on in every file, checked. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root, sourceFiles, trackedFiles } from './files.ts';

const MAX_LINES = 400;
const rooms = ['filter', 'agent', 'controller', 'models', 'deploy', 'test'];
const topLevelFiles = [
  '.gitignore',
  '.npmrc',
  'CONTRIBUTING.md',
  'LICENSE',
  'README.md',
  'asconfig.json',
  'biome.json',
  'package-lock.json',
  'package.json',
  'tsconfig.json',
];

const read = (path: string) => readFileSync(join(root, path), 'utf8');

test('the top level holds the rooms and the files that tools need, nothing else', () => {
  const names = new Set(trackedFiles().map((path) => path.split('/')[0] ?? ''));
  const unexpected = [...names].filter((name) => ![...rooms, '.ci', ...topLevelFiles].includes(name));
  assert.equal(unexpected, []);
});

test('every room has a README', () => {
  const missing = rooms.filter((room) => !trackedFiles().includes(`${room}/README.md`));
  assert.equal(missing, []);
});

test('no source file is longer than a reader can hold', () => {
  const long = sourceFiles().filter((path) => read(path).split('\n').length - 1 > MAX_LINES);
  assert.equal(long, []);
});

test('every source file opens with its reason to be', () => {
  const silent = sourceFiles().filter((path) => !/^(#!.*\n)?\s*(\/\*\*|\/\/)/.test(read(path)));
  assert.equal(silent, []);
});

test('every suite runs its tests', () => {
  const suites = sourceFiles().filter((path) => path.endsWith('.test.ts'));
  assert.ok(suites.length > 0);
  const idle = suites.filter((path) => !/^\s*(test|\w+)\.run\(\);?$/m.test(read(path)));
  assert.equal(idle, []);
});

test('no test is skipped or run alone by a left-over', () => {
  const left = sourceFiles().filter((path) => path.endsWith('.test.ts') && /^\s*\w+\.(only|skip)\(/m.test(read(path)));
  assert.equal(left, []);
});

test('no file carries a mark of unfinished work or a path of one machine', () => {
  const marks = new RegExp(`\\b(${['TO', 'FIX', 'XX'].map((head, i) => head + ['DO', 'ME', 'X'][i]).join('|')})\\b`);
  const homes = new RegExp(`(^|[\\s'"\`(])/(${['work', 'farm', 'home', 'Users'].join('|')})/`);
  const text = trackedFiles().filter(
    (path) => /\.(ts|js|py|md|ya?ml|json|sh)$|^\.ci\//.test(path) && path !== 'package-lock.json',
  );
  const found = text.filter((path) => marks.test(read(path)) || homes.test(read(path)));
  assert.equal(found, []);
});

test('CI runs what README tells a newcomer to run, and is executable', () => {
  const ci = read('.ci/run');
  assert.ok(statSync(join(root, '.ci/run')).mode & 0o100, '.ci/run is not executable');
  const commands = ci.split('\n').filter((line) => /^npm /.test(line));
  assert.equal(commands, ['npm install', 'npm run test:all']);
  assert.ok(read('README.md').includes('npm install && npm run test:all'));
});

test.run();

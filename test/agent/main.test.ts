/** The agent as a real process: how it starts, what it answers, how it ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeSamples } from '../../agent/wire/samples.ts';
import { decodeTable } from '../../agent/wire/table.ts';
import { PretendController } from './pretend-controller.ts';
import { edgeOf, NO_VIEW_ID, samplesOf, serviceOf, tablesOf } from './sketch.ts';

interface Context {
  stateDir: string;
  children: ChildProcess[];
}

interface Agent {
  readonly child: ChildProcess;
  readonly url: string;
  /** Everything that was said so far. */
  readonly output: () => string;
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

const test = suite<Context>('agent process');
const main = join(import.meta.dirname, '..', '..', 'agent', 'main.js');

function launch(context: Context, env: Record<string, string>, args: readonly string[] = []): ChildProcess {
  const child = spawn(process.execPath, ['--enable-source-maps', main, ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: context.stateDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  context.children.push(child);
  return child;
}

/** Runs it to its end. */
async function run(context: Context, env: Record<string, string>, args: readonly string[] = []): Promise<Ended> {
  const child = launch(context, env, args);
  let output = '';
  let errors = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (errors += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output, errors };
}

/** Starts it and reads from its log where it listens. */
async function start(context: Context, env: Record<string, string>): Promise<Agent> {
  const child = launch(context, {
    WEIR_AGENT_LISTEN: '127.0.0.1:0',
    WEIR_AGENT_NODE: 'node-1',
    WEIR_AGENT_ZONE: 'zone-a',
    WEIR_AGENT_STATE_DIR: join(context.stateDir, 'state'),
    ...env,
  });
  let output = '';
  const port = await new Promise<number>((resolve, reject) => {
    child.once('close', () => reject(new Error(`the agent ended:\n${output}`)));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.stdout?.on('data', (chunk) => {
      output += chunk;
      const line = output.split('\n').find((each) => each.includes('"agent_started"'));
      if (line) resolve(JSON.parse(line).port);
    });
  });
  return { child, url: `http://127.0.0.1:${port}`, output: () => output };
}

async function end({ child }: Agent, signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | null> {
  child.kill(signal);
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

test.before.each((context) => {
  Object.assign(context, { stateDir: mkdtempSync(join(tmpdir(), 'weir-agent-main-')), children: [] });
});
test.after.each(({ stateDir, children }) => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(stateDir, { recursive: true, force: true });
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`with no controller it starts, is healthy and not ready, and ends cleanly at ${signal}`, async (context) => {
    const agent = await start(context, { WEIR_AGENT_CONTROLLER: 'ws://127.0.0.1:9' });
    assert.is((await fetch(`${agent.url}/healthz`)).status, 200);
    const ready = await fetch(`${agent.url}/readyz`);
    assert.is(ready.status, 503);
    assert.is(
      await ready.text(),
      'the controller at ws://127.0.0.1:9/v1/agents was not reached yet and no earlier tables are on disk\n',
    );
    assert.match(await (await fetch(`${agent.url}/metrics`)).text(), 'weir_agent_controller_connected 0');
    assert.is(await end(agent, signal), 0);
    assert.match(agent.output(), '"agent_stopped"');
  });
}

test('killed and started anew with no controller it steers by the tables of before', async (context) => {
  const controller = await PretendController.start();
  const first = await start(context, { WEIR_AGENT_CONTROLLER: controller.url });
  const line = await controller.welcome();
  line.send(tablesOf(4, [serviceOf('shop')]));
  await line.seek('ack');
  const ask = (agent: Agent) => fetch(`${agent.url}/v1/table?have=${NO_VIEW_ID}`);
  const before = decodeTable(new Uint8Array(await (await ask(first)).arrayBuffer()));
  assert.is(before.tableNumber, 4);
  await end(first, 'SIGKILL');
  await controller.close();
  const second = await start(context, { WEIR_AGENT_CONTROLLER: controller.url });
  const after = decodeTable(new Uint8Array(await (await ask(second)).arrayBuffer()));
  assert.is(after.viewId, before.viewId);
  assert.is((await fetch(`${second.url}/readyz`)).status, 200);
  assert.is(await end(second, 'SIGTERM'), 0);
});

test('the token of the file is shown to the controller', async (context) => {
  const controller = await PretendController.start();
  const tokenFile = join(context.stateDir, 'token');
  writeFileSync(tokenFile, 'a-token-of-some-length\n');
  const agent = await start(context, { WEIR_AGENT_CONTROLLER: controller.url, WEIR_AGENT_TOKEN_FILE: tokenFile });
  await controller.welcome();
  assert.is(controller.authorization, 'Bearer a-token-of-some-length');
  assert.is(await end(agent, 'SIGTERM'), 0);
  await controller.close();
});

test('samples end up in a report of a real second', async (context) => {
  const controller = await PretendController.start();
  const agent = await start(context, { WEIR_AGENT_CONTROLLER: controller.url });
  const line = await controller.welcome(5, 100);
  const body = new Uint8Array(encodeSamples(samplesOf([edgeOf()])));
  assert.is((await fetch(`${agent.url}/v1/samples`, { method: 'POST', body })).status, 204);
  let report = await line.seek('report');
  while (report.edges.length === 0) report = await line.seek('report');
  assert.equal(report.edges[0]?.caller, { workload: '', namespace: '', zone: 'zone-a', node: 'node-1' });
  assert.is(await end(agent, 'SIGTERM'), 0);
  await controller.close();
});

test('a wrong variable is one sentence and exit 1', async (context) => {
  const ended = await run(context, { WEIR_AGENT_LISTEN: 'everywhere' });
  assert.equal(ended, {
    code: 1,
    output: '',
    errors: 'WEIR_AGENT_LISTEN is everywhere; it must be address:port, for example 127.0.0.1:15990\n',
  });
});

test('an unknown variable is one sentence with what was probably meant', async (context) => {
  const ended = await run(context, { WEIR_AGENT_ZONES: 'a' });
  assert.equal(ended, {
    code: 1,
    output: '',
    errors: 'WEIR_AGENT_ZONES is not known; did you mean WEIR_AGENT_ZONE?\n',
  });
});

test('a taken port is one sentence and exit 1', async (context) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const ended = await run(context, { WEIR_AGENT_LISTEN: `127.0.0.1:${port}` });
  taken.close();
  assert.is(ended.code, 1);
  assert.is(
    ended.errors,
    `WEIR_AGENT_LISTEN is 127.0.0.1:${port}, where nobody can listen: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`,
  );
});

test('help names every option with its variable and default, unknown options are refused', async (context) => {
  const help = await run(context, {}, ['--help']);
  assert.is(help.code, 0);
  for (const name of ['LISTEN', 'CONTROLLER', 'NODE', 'ZONE', 'STATE_DIR', 'TOKEN_FILE', 'FORECAST_WINDOW_MS']) {
    assert.match(help.output, `[WEIR_AGENT_${name}]`);
  }
  assert.match(help.output, '127.0.0.1:15990');
  const unknown = await run(context, {}, ['--lisen', 'x']);
  assert.is(unknown.code, 1);
  assert.match(unknown.errors, 'Did you mean --listen?');
});

test('options win over variables, and a wrong one is named as it was given', async (context) => {
  const ended = await run(context, { WEIR_AGENT_LISTEN: '127.0.0.1:0' }, ['--outbox-reports', '0']);
  assert.equal(ended, { code: 1, output: '', errors: '--outbox-reports is 0; it must be an integer from 1 to 3600\n' });
});

test.run();

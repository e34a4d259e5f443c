/**
 * The real agent between a real Envoy and the controller's real hub: weights walk down, measurements walk up, and either end
 * may be gone for a while.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { clusterOf } from '../../deploy/local/envoy/bootstrap.ts';
import type { Child } from '../../deploy/local/mesh/children.ts';
import { buildRoot } from '../../deploy/local/root.ts';
import { Caller } from '../support/calls.ts';
import { HubDoor } from '../support/hub-door.ts';
import { Lab } from '../support/lab.ts';
import { startOrigin } from '../support/origin.ts';
import { routed, tableOf } from '../support/shop.ts';
import { StandInAgent } from '../support/stand-in-agent.ts';
import { until } from '../support/until.ts';

const lab = await Lab.open();
const a = await startOrigin('a');
const b = await startOrigin('b');
const shop = routed('shop', { a: a.port, b: b.port });
let controller = await HubDoor.open(1);
const { port: controllerPort } = controller;
// A free port for the agent, which it gives up and takes again.
const placeholder = await StandInAgent.start();
const { port: agentPort } = placeholder;
await placeholder.close();
let starts = 0;
let agent = await startAgent();
const proxy = await lab.proxy({ services: [shop], agentPort, workers: 2 });
const caller = new Caller(proxy.port);
let made = 0;

test.after(async () => {
  await caller.close();
  await lab.close();
  await Promise.all([controller.close(), a.close(), b.close()]);
});

async function startAgent(): Promise<Child> {
  const stateDir = join(lab.directory, 'agent');
  const logPath = join(lab.directory, 'agent.log');
  mkdirSync(stateDir, { recursive: true });
  const child = lab.children.start('agent', {
    command: process.execPath,
    args: [join(buildRoot, 'agent', 'main.js')],
    env: {
      WEIR_AGENT_LISTEN: `127.0.0.1:${agentPort}`,
      WEIR_AGENT_CONTROLLER: `ws://127.0.0.1:${controllerPort}`,
      WEIR_AGENT_NODE: 'node-1',
      WEIR_AGENT_STATE_DIR: stateDir,
    },
    logPath,
  });
  const isUp = () => {
    if (!child.isRunning()) throw new Error(`the agent ended:\n${readFileSync(logPath, 'utf8')}`);
    return readFileSync(logPath, 'utf8').split('agent_started').length - 1 > starts;
  };
  await until('the agent to listen', isUp);
  starts += 1;
  return child;
}

async function call(): Promise<string | undefined> {
  const { status, servedBy } = await caller.call('shop');
  assert.is(status, 200);
  made += 1;
  return servedBy;
}

/** Calls until twenty in a row, over both workers, went to one origin. */
async function untilAllGoTo(name: string): Promise<void> {
  const deadlineMs = performance.now() + 15_000;
  for (let inRow = 0; inRow < 20; inRow = (await call()) === name ? inRow + 1 : 0) {
    if (performance.now() > deadlineMs) throw new Error(`calls still go elsewhere than to ${name}`);
  }
}

const weights = (toA: number) => ({ a: toA, b: 10_000 - toA });

test('weights of the proxy’s own zone are in force in its Envoy', async () => {
  controller.push([
    { ...tableOf(shop, weights(10_000)), group: 'zone-b' },
    { ...tableOf(shop, weights(0)), group: 'zone-a' },
  ]);
  await until('the agent to have stored the tables', () => controller.isStored());
  await untilAllGoTo('b');
});

test('each change of weights replaces the one before', async () => {
  for (const [toA, name] of [
    [10_000, 'a'],
    [0, 'b'],
  ] as const) {
    controller.push([tableOf(shop, weights(toA))]);
    await untilAllGoTo(name);
  }
});

test('every call is reported once, by cluster and arm, under the caller that made it', async () => {
  await until('the calls so far', () => controller.calls() >= made);
  controller.reports.length = 0;
  controller.push([tableOf(shop, weights(0), { trialId: 9, trialShare: 2_500, trialWeights: weights(10_000) })]);
  await until('the agent to have stored the tables', () => controller.isStored());
  let trial = 0;
  for (let i = 0; i < 1_000; i++) if ((await call()) === 'a') trial += 1;
  await until('the calls in reports', () => controller.calls() >= 1_000);
  assert.is(controller.calls(), 1_000);
  assert.equal(controller.outcomes(clusterOf(shop, 'a'), 'trial', 9), [trial, 0, 0, 0, 0, 0]);
  assert.equal(controller.outcomes(clusterOf(shop, 'b')), [1_000 - trial, 0, 0, 0, 0, 0]);
  assert.ok(trial > 150 && trial < 350, `${trial} of 1000 on trial`);
  const callers = controller.reports.flatMap(({ edges }) => edges.map(({ caller }) => caller));
  for (const each of callers) {
    assert.equal(each, { workload: 'cart', namespace: 'shop', zone: 'zone-a', node: 'node-1' });
  }
  const proxies = controller.reports.at(-1)?.proxies.map(({ nodeId, rejectedTables }) => ({ nodeId, rejectedTables }));
  assert.equal(proxies, [{ nodeId: 'sidecar~127.0.0.99~cart-node-1.shop~shop.svc.cluster.local', rejectedTables: 0 }]);
});

test('an agent that is killed costs no call, and its next life has the tables though the controller is gone', async () => {
  controller.push([tableOf(shop, weights(10_000))]);
  await until('the agent to have stored the tables', () => controller.isStored());
  await untilAllGoTo('a');
  await controller.close();
  await lab.children.kill(agent, 'SIGKILL');
  for (let i = 0; i < 200; i++) assert.is(await call(), 'a');

  agent = await startAgent();
  // A proxy that starts now knows only what the agent kept. Its plain route goes to b.
  const turned = {
    ...shop,
    backends: shop.backends.map((each) => ({ ...each, weight: each.name === 'b' ? 10_000 : 0 })),
  };
  const second = await lab.proxy({ services: [turned], agentPort });
  const other = new Caller(second.port);
  const isSteered = () => second.lines().some((line) => line.includes('steering by weights'));
  await until('the second proxy to steer', isSteered);
  await until(
    'every VM of it to steer',
    () => second.lines().filter((line) => line.includes('steering by')).length === 2,
  );
  assert.is((await other.call('shop')).servedBy, 'a');
  await other.close();
});

test('a controller that comes back with a higher epoch is obeyed, and told of what went on meanwhile', async () => {
  controller = await HubDoor.open(2, controllerPort);
  controller.push([tableOf(shop, weights(0))]);
  await until('the agent to have stored the tables', () => controller.isStored());
  await untilAllGoTo('b');
  await until('calls in reports', () => controller.calls() > 0);
  assert.equal(lab.died, []);
});

test.run();

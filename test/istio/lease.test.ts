/**
 * Two controllers of the chart before a real API server: one leads and is found, the other takes over with what is on the routes. Each
 * has a store of its own, as pods have.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePorts } from '../../deploy/local/apps/ports.ts';
import type { Child } from '../../deploy/local/mesh/children.ts';
import { before } from '../support/before.ts';
import { ApiServer } from './api-server.ts';
import { SYSTEM_NAMESPACE, selectorOf } from './chart.ts';
import { eventually } from './eventually.ts';
import { bySelector, serveAs } from './service.ts';
import { Weir } from './weir.ts';

const test = suite('two controllers and a Lease');
const A = 'weir-controller-a';
const B = 'weir-controller-b';
const SERVICE = 'search:80';

let cluster: ApiServer;
let weir: Weir;
let endService = () => {};
let ports: Record<string, number> = {};
let headers: Record<string, string> = {};
const children: Record<string, Child> = {};

before(test, async () => {
  cluster = await ApiServer.start();
  weir = await Weir.install(cluster, { filter: { namespaces: [] }, controller: { replicas: 2 } });
  const template = weir.rendered.find(({ kind }) => kind === 'Deployment')?.spec?.template;
  const podOf = (name: string) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template?.metadata, name, namespace: SYSTEM_NAMESPACE },
    spec: template?.spec,
  });
  cluster.apply(podOf(A), podOf(B), {
    apiVersion: 'weir.dev/v1alpha1',
    kind: 'AdaptiveRoute',
    metadata: { name: 'search', namespace: 'default' },
    spec: { host: 'search', port: 80, backends: ['v1', 'v2'].map((name) => ({ name, cluster: `search-${name}` })) },
  });
  const [a = 0, b = 0] = await freePorts(2);
  ports = { [A]: a, [B]: b };
  const selector = selectorOf(weir.rendered, 'weir-controller');
  endService = await serveAs(weir.controllerPort, bySelector(cluster, selector, ports));
  headers = { authorization: `Bearer ${weir.operatorToken()}`, 'content-type': 'application/json' };
});
test.after(async () => {
  endService();
  await cluster?.close();
});

function run(name: string): void {
  const listen = `127.0.0.1:${ports[name]}`;
  children[name] = weir.runController(name, { WEIR_CONTROLLER_LISTEN: listen, WEIR_CONTROLLER_POD: name });
}

async function kill(name: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<string> {
  const child = children[name];
  if (!child) throw new RangeError(`${name} was never started`);
  await cluster.children.kill(child, signal);
  return child.ended;
}

const logOf = (name: string) => readFileSync(join(cluster.folder, `${name}.log`), 'utf8');
const holder = () =>
  cluster.kubectl('get', 'lease', '-n', SYSTEM_NAMESPACE, 'weir-controller', '-o', 'jsonpath={.spec.holderIdentity}');
const labelled = () =>
  cluster.kubectl('get', 'pods', '-n', SYSTEM_NAMESPACE, '-l', 'weir.dev/leader=true', '-o', 'name').trim();

/** Of the one that leads, as the Service finds it. */
async function read<T>(path: string): Promise<T> {
  const answer = await weir.ask(path);
  if (!answer.ok) throw new Error(`${path} is answered with ${answer.status}`);
  return (await answer.json()) as T;
}

async function change(what: 'pin' | 'unpin', body: object): Promise<void> {
  const answer = await weir.ask(`/v1/${what}`, { method: 'POST', headers, body: JSON.stringify(body) });
  assert.is(answer.status, 200, await answer.text());
}

interface State {
  readonly epoch: number;
  readonly weights: Readonly<Record<string, number>>;
  readonly pinnedBy: string | undefined;
}

async function state(): Promise<State> {
  const { services } = await read<{ services: { pinned: { by: string } | null }[] }>('/v1/services');
  const tables = await read<{ epoch: number; services: { backends: { name: string; weight: number }[] }[] }>(
    '/v1/tables',
  );
  const weights = Object.fromEntries((tables.services[0]?.backends ?? []).map(({ name, weight }) => [name, weight]));
  return { epoch: tables.epoch, weights, pinnedBy: services[0]?.pinned?.by };
}

/** Waits until the agent has acknowledged the tables of the one that leads. */
async function obeys(): Promise<void> {
  await eventually('the agent to obey who leads', async () => {
    const { epoch, number } = await read<{ epoch: number; number: number }>('/v1/tables');
    const { agents } = await read<{ agents: { tableEpoch: number; tableNumber: number }[] }>('/v1/agents');
    return agents.length === 1 && agents[0]?.tableEpoch === epoch && agents[0].tableNumber === number;
  });
}

test('one leads and is found by the Service; the other is ready, and says who leads', async () => {
  run(A);
  await eventually('the first to be found', async () => (await state()).epoch === 1);
  run(B);
  await eventually('the second to stand by', async () => logOf(B).includes('"event":"standby"'));
  assert.match(holder(), `${A}_`);
  assert.is(labelled(), `pod/${A}`);
  const askB = (path: string) => fetch(`http://127.0.0.1:${ports[B]}${path}`);
  for (const probe of ['/healthz', '/readyz']) {
    const answer = await askB(probe);
    assert.is(answer.status, 200);
    assert.match(((await answer.json()) as { message: string }).message, /^weir-controller-a_\S+ leads; this/);
  }
  const refused = await askB('/v1/services');
  assert.is(refused.status, 503);
  assert.is(((await refused.json()) as { code: string }).code, 'WEIR_API_STANDBY');
  await weir.startAgent('agent');
  await obeys();
});

test('the leader is killed: the other leads with the same weights and the pin, and the agent obeys it', async () => {
  await change('pin', { service: SERVICE, weights: { v1: 9_000, v2: 1_000 }, by: 'ann', why: 'a sale' });
  const earlier = await state();
  assert.equal([earlier.weights, earlier.pinnedBy], [{ v1: 9_000, v2: 1_000 }, 'ann']);
  await eventually('the pin to be on the route', async () => {
    const path = 'jsonpath={.status.groups[0].pinned.by}';
    return cluster.kubectl('get', 'adaptiveroute', 'search', '-o', path) === 'ann';
  });
  assert.is(await kill(A, 'SIGKILL'), 'SIGKILL');
  await eventually('the other to lead', async () => (await state()).epoch > earlier.epoch);
  const after = await state();
  assert.equal([after.weights, after.pinnedBy], [earlier.weights, 'ann']);
  await obeys();
  assert.match(holder(), `${B}_`);
  await eventually('the pod of the dead one to be found no more', async () => labelled() === `pod/${B}`);
  assert.match(logOf(B), /"event":"state_loaded".*"fromRoutes":1/);
  assert.not.match(logOf(B), 'epoch_raised');
});

test('the leader is stopped: the other leads at once, and does not believe its own older store', async () => {
  run(A);
  await eventually('the first to stand by', async () => /"event":"standby","leader":"weir-controller-b/.test(logOf(A)));
  await change('unpin', { service: SERVICE, by: 'ben' });
  await change('pin', { service: SERVICE, weights: { v1: 2_000, v2: 8_000 }, by: 'ben', why: 'another sale' });
  const before = await state();
  assert.is(await kill(B, 'SIGTERM'), 'exit code 0');
  assert.is(holder() === '' || holder().startsWith(A), true, holder());
  await eventually('the first to lead', async () => (await state()).epoch > before.epoch);
  const after = await state();
  assert.equal([after.weights, after.pinnedBy], [{ v1: 2_000, v2: 8_000 }, 'ben']);
  await obeys();
});

test('without an API server for longer than it may, the leader ends and says why; with one again it is led again', async () => {
  await cluster.kill();
  assert.is(await children[A]?.ended, 'exit code 1');
  assert.match(logOf(A), /"event":"lease_unreachable"/);
  assert.match(logOf(A), /"event":"lease_lost".*could not be renewed, and was last renewed 1\d{4} ms ago/);
  await cluster.serve();
  run(A);
  await eventually('it to lead again', async () => (await state()).pinnedBy === 'ben');
  await obeys();
});

test.run();

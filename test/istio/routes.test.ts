/** AdaptiveRoutes in a real Kubernetes API server: what it refuses itself, what the controller says of the rest, and outages. */
import { join } from 'node:path';
import { KubernetesObjectApi } from '@kubernetes/client-node';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Discovery } from '../../controller/intake/discovery.ts';
import { openKubernetesRoutes } from '../../controller/intake/routes.ts';
import type { RouteStatus } from '../../controller/intake/status.ts';
import { makeLog } from '../../controller/log.ts';
import { type AdaptiveRoute, serviceOf } from '../../controller/routes/route.ts';
import type { RouteNews, RouteSource } from '../../controller/routes/source.ts';
import type { ServiceStatus } from '../../controller/steer/status.ts';
import { buildRoot, packageRoot } from '../../deploy/local/root.ts';
import { before } from '../support/before.ts';
import { ApiServer } from './api-server.ts';
import { eventually } from './eventually.ts';
import { istioDefinitions } from './programs.ts';

const test = suite('AdaptiveRoutes in a real API server');

let cluster: ApiServer;
let objects: KubernetesObjectApi;
const sources: RouteSource[] = [];

before(test, async () => {
  cluster = await ApiServer.start();
  objects = KubernetesObjectApi.makeApiClient(cluster.kubeConfig);
  await cluster.define(istioDefinitions(), join(packageRoot, 'deploy', 'helm', 'weir', 'crds'));
});
test.after(async () => {
  for (const source of sources) source.close();
  await cluster?.close();
});

const idOf = (name: string) => ({
  apiVersion: 'weir.dev/v1alpha1',
  kind: 'AdaptiveRoute',
  metadata: { name, namespace: 'default' },
});

function documentOf(
  name: string,
  spec: Readonly<Record<string, unknown>>,
): ReturnType<typeof idOf> & { spec: unknown } {
  const backends = ['v1', 'v2'].map((each) => ({ name: each, cluster: `${name}-${each}` }));
  return { ...idOf(name), spec: { host: name, port: 80, backends, ...spec } };
}

async function create(name: string, spec: Readonly<Record<string, unknown>> = {}): Promise<void> {
  await objects.create(documentOf(name, spec));
}

async function remove(name: string): Promise<void> {
  await objects.delete(idOf(name));
}

async function statusOf(name: string): Promise<RouteStatus | undefined> {
  return ((await objects.read(idOf(name))) as { status?: RouteStatus }).status;
}

async function condition(name: string, type: string): Promise<RouteStatus['conditions'][number] | undefined> {
  return (await statusOf(name))?.conditions.find((each) => each.type === type);
}

/** What the API server says against a route; undefined: it takes it. */
async function refusal(spec: Readonly<Record<string, unknown>>): Promise<string | undefined> {
  try {
    await create('wrong', spec);
    await remove('wrong');
    return undefined;
  } catch (error) {
    return String((error as { body?: unknown }).body ?? error);
  }
}

/** A source as the controller has it, told of its own routes as if nothing had happened yet. */
async function open(): Promise<{ inForce: () => string[]; refused: string[]; lines: string[]; tell: () => void }> {
  const lines: string[] = [];
  const refused: string[] = [];
  const log = makeLog('info', { write: (line) => void lines.push(line) });
  const discovery = new Discovery({ kubeConfig: cluster.kubeConfig, namespace: undefined, log });
  await discovery.open();
  const openRoutes = await openKubernetesRoutes(undefined, log, cluster.kubeConfig, discovery);
  let routes: readonly AdaptiveRoute[] = [];
  const source = openRoutes({
    onChange: (changed) => {
      routes = changed;
    },
    onRefused: (error) => refused.push(error.message),
  });
  routes = source.start();
  sources.push(source);
  const news = (): RouteNews => ({
    services: routes.map((route) => asServed(route)),
    ...{
      table: '1.1',
      agentCount: 1,
      published: () => undefined,
      saved: () => undefined,
      decisions: () => [],
      wallMs: Date.now(),
    },
  });
  return { inForce: () => routes.map(serviceOf).sort(), refused, lines, tell: () => source.tell(news) };
}

function asServed(route: AdaptiveRoute): ServiceStatus {
  const { mode, policy, backends } = route.spec;
  const weight = 10_000 / backends.length;
  return {
    ...{ service: serviceOf(route), group: '*', mode, policy, frozen: null, pinned: null, trial: null, relieved: [] },
    ...{ waitsFor: null, loadRps: 0, forecastRps: [] },
    backends: backends.map(({ name }) => ({ name, weight }) as ServiceStatus['backends'][number]),
  };
}

test('what the schema can say the API server refuses, with the field or the reason', async () => {
  assert.match((await refusal({ port: 99_999 })) ?? '', /spec\.port.*less than or equal to 65535/);
  assert.match((await refusal({ mode: 'enforced' })) ?? '', /spec\.mode.*Unsupported value/);
  assert.match((await refusal({ backends: [] })) ?? '', /spec.*name at least one backend, or backendsFrom/);
  assert.match((await refusal({ backendsFrom: {} })) ?? '', /name one of label and destinationRule/);
  const two = (first: object, second: object) => ({
    backends: [
      { name: 'v1', cluster: 'a', ...first },
      { name: 'v2', cluster: 'b', ...second },
    ],
  });
  assert.match((await refusal(two({ weight: 5_000 }, { weight: 4_000 }))) ?? '', /weights must sum to 10000/);
  assert.match((await refusal(two({ weight: 10_000 }, {}))) ?? '', /give every backend a weight or none/);
  assert.match((await refusal(two({ name: 'v2' }, {}))) ?? '', /Duplicate value/);
  assert.match((await refusal(two({ cluster: 'b' }, {}))) ?? '', /each backend must have a cluster of its own/);
  assert.match((await refusal(two({ minShare: 0.6 }, { minShare: 0.6 }))) ?? '', /minShare must sum to at most 1/);
  assert.match((await refusal(two({ maxShare: 0.4 }, { maxShare: 0.4 }))) ?? '', /maxShare must sum to at least 1/);
  assert.match((await refusal(two({ minShare: 0.5, maxShare: 0.4 }, {}))) ?? '', /minShare must be at most maxShare/);
  const scale = { deployment: 'search', rpsPerReplica: 10, minReplicas: 3, maxReplicas: 2 };
  assert.match((await refusal(two({ scale }, {}))) ?? '', /minReplicas must be at most maxReplicas/);
  assert.match(
    (await refusal(two({ scale: { ...scale, rpsPerReplica: 0 } }, {}))) ?? '',
    /rpsPerReplica.*greater than 0/,
  );
  assert.is(await refusal(two({ scale: { ...scale, minReplicas: undefined } }, {})), undefined);
  assert.match((await refusal({ trial: { stages: [0.3, 0.1, 1] } })) ?? '', /each stage must be above the one before/);
  const freeze = { from: '2026-11-27T00:00:00Z', to: '2026-11-26T00:00:00Z' };
  assert.match((await refusal({ guard: { freezes: [freeze] } })) ?? '', /to must be later than from/);
  assert.match((await refusal({ objective: { latencyMs: 0 } })) ?? '', /spec\.objective\.latencyMs.*greater than 0/);
  assert.is(await refusal(two({ weight: 2_500 }, { weight: 7_500 })), undefined);
});

test('defaults are filled in where owners read them', async () => {
  await create('filled');
  const { spec } = (await objects.read(idOf('filled'))) as unknown as { spec: AdaptiveRoute['spec'] };
  assert.is(spec.mode, 'enforce');
  assert.is(spec.objective.latencyMs, 500);
  assert.equal(spec.trial.stages, [0.1, 0.3, 1]);
  assert.is(spec.backends[0]?.minShare, 0.002);
  await remove('filled');
});

test('routes come, change and go with the objects, and each is told what became of it', async () => {
  await create('search');
  await create('typo', { policy: 'marginal-los' });
  const source = await open();
  assert.equal(source.inForce(), ['search:80']);
  assert.match(
    source.refused.join(),
    /AdaptiveRoute default\/typo: spec\.policy: marginal-los.*did you mean marginal-loss/,
  );
  await create('cart', { mode: 'observe' });
  await eventually('cart to be in force', async () => source.inForce().includes('cart:80'));
  await create('double', { host: 'search' });
  await eventually('all to be told', async () => {
    source.tell();
    const told = await Promise.all(['search', 'typo', 'cart', 'double'].map((name) => condition(name, 'Accepted')));
    return told.every((each) => each !== undefined);
  });
  assert.is((await condition('search', 'Accepted'))?.status, 'True');
  assert.is((await condition('search', 'Steering'))?.reason, 'InForce');
  assert.is((await condition('cart', 'Steering'))?.reason, 'Observing');
  const typo = await condition('typo', 'Accepted');
  assert.equal([typo?.status, typo?.reason], ['False', 'Invalid']);
  assert.match(typo?.message ?? '', /did you mean marginal-loss\?/);
  const double = await condition('double', 'Accepted');
  assert.equal([double?.status, double?.reason], ['False', 'Conflict']);
  assert.match(double?.message ?? '', /default\/search came first/);
  await remove('search');
  await eventually('the younger one to take its place', async () => source.inForce().join() === 'cart:80,search:80');
  for (const name of ['double', 'cart', 'typo']) await remove(name);
  await eventually('none to be in force', async () => source.inForce().length === 0);
});

test('kubectl get reads well', async () => {
  await create('shown');
  const source = await open();
  await eventually('the status', async () => {
    source.tell();
    return (await statusOf('shown')) !== undefined;
  });
  const [head, row] = cluster.kubectl('get', 'adaptiveroutes').trim().split('\n');
  assert.match(head ?? '', /^NAME +HOST +MODE +ACCEPTED +STEERING +WEIGHTS +VERDICT +AGE$/);
  assert.match(row ?? '', /^shown +shown +enforce +True +InForce +\*: v1 50 %, v2 50 % /);
  await remove('shown');
});

test('a whole controller takes its routes from the cluster and tells them', async () => {
  await create('whole');
  cluster.run('controller', process.execPath, [join(buildRoot, 'controller', 'main.js')], {
    WEIR_CONTROLLER_ROUTES: 'kubernetes:default',
    WEIR_CONTROLLER_LISTEN: '127.0.0.1:0',
    WEIR_CONTROLLER_DB: ':memory:',
  });
  await eventually(
    'the controller to say it',
    async () => (await condition('whole', 'Steering'))?.reason === 'NoAgents',
  );
  const status = await statusOf('whole');
  assert.is(status?.weights, '*: v1 50 %, v2 50 %');
  assert.match(status?.table ?? '', /^1\.\d+$/);
  assert.is(status?.conditions.find(({ type }) => type === 'Accepted')?.status, 'True');
  await remove('whole');
});

test('with the API server away routes stay, and what changed meanwhile comes once it is back', async () => {
  await create('steady');
  const source = await open();
  assert.equal(source.inForce(), ['steady:80']);
  await cluster.kill();
  await eventually('the outage to be said', async () => source.lines.some((line) => line.includes('api_server_lost')));
  assert.equal(source.inForce(), ['steady:80']);
  source.tell();
  await cluster.serve();
  await create('late');
  await eventually('the new one', async () => source.inForce().join() === 'late:80,steady:80');
  assert.ok(source.lines.some((line) => line.includes('api_server_back')));
  for (const name of ['steady', 'late']) await remove(name);
});

test.run();

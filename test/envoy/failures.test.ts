/**
 * Weir's own processes killed with SIGKILL under load, in a real mesh: the same requests as in a mesh without Weir, one by one.
 * What an app refuses follows from the seed and the request's place in its call tree, so a request that fails in the steered
 * run and not in the unsteered one failed because of Weir. A slow backend gives the controller something to decide before.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isSuccess } from '../../deploy/local/apps/caller.ts';
import { clusterOf } from '../../deploy/local/envoy/bootstrap.ts';
import { findEnvoy } from '../../deploy/local/envoy/find.ts';
import type { Intervention, Mesh } from '../../deploy/local/mesh/mesh.ts';
import type { Weir } from '../../deploy/local/mesh/weir.ts';
import { buildRoot, packageRoot } from '../../deploy/local/root.ts';
import { type RunResult, runScenario } from '../../deploy/local/run.ts';
import { readScenario } from '../../deploy/local/scenario/read.ts';
import { until } from '../support/until.ts';

/** What of the controller's API is looked at. */
interface Told {
  readonly tables: { readonly epoch: number; readonly number: number; readonly services: readonly ToldService[] };
  readonly agents: readonly { readonly node: string; readonly tableEpoch: number; readonly tableNumber: number }[];
  /** Newest first. */
  readonly decisions: readonly ToldDecision[];
}
interface ToldDecision {
  readonly service: string;
  readonly group: string;
  readonly to: Readonly<Record<string, number>>;
}
interface ToldService {
  readonly service: string;
  readonly group: string;
  readonly backends: readonly { readonly name: string; readonly weight: number }[];
}

const path = join(packageRoot, 'deploy', 'local', 'scenarios', 'failures.yaml');
const read = readScenario(path, packageRoot);
const nodes = read.scenario.nodes.map(({ name }) => name);
const folder = mkdtempSync(join(tmpdir(), 'weir-failures-'));
const stock = { host: 'stock', port: 80 };
const clusters = [clusterOf(stock, 'v1'), clusterOf(stock, 'v2')];

/** What is killed and started again, in this order; each when all before it has come back. */
const victims = ['the controller', 'the agents', 'both'] as const;
type Who = (typeof victims)[number];
const FIRST_AT_S = 7;
const OUTAGE_MS = 1500;
const POLL_MS = 50;

/** From the kill until the first of them was started again, ms after second 0. */
const outages = new Map<Who, { readonly fromMs: number; readonly toMs: number }>();
/** What the controller said, before all and after each outage. */
const told = new Map<Who | 'nobody', Told>();
let plain: RunResult;
let steered: RunResult;

test.after(() => rmSync(folder, { recursive: true, force: true }));

function namesOf(who: Who): readonly string[] {
  return [...(who === 'the agents' ? [] : ['controller']), ...(who === 'the controller' ? [] : nodes)];
}

function weirOf({ weir }: Mesh): Weir {
  if (!weir) throw new Error('the mesh has no Weir');
  return weir;
}

async function killAndRestart(mesh: Mesh, who: Who): Promise<void> {
  await Promise.all(namesOf(who).map((name) => weirOf(mesh).kill(name, 'SIGKILL')));
  const fromMs = mesh.nowMs();
  await until('the outage to be over', () => mesh.nowMs() > fromMs + OUTAGE_MS);
  outages.set(who, { fromMs, toMs: mesh.nowMs() });
  await Promise.all(namesOf(who).map((name) => weirOf(mesh).restart(name)));
  told.set(who, await untilInStep(mesh));
}

/** Resolves when every agent has the controller's newest tables. */
async function untilInStep(mesh: Mesh): Promise<Told> {
  for (;;) {
    const now = await ask(mesh);
    const { epoch, number } = now.tables;
    const agents = now.agents.filter(({ tableEpoch, tableNumber }) => tableEpoch === epoch && tableNumber === number);
    if (agents.length === nodes.length) return now;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function ask(mesh: Mesh): Promise<Told> {
  const get = async (what: string): Promise<unknown> => (await fetch(`${weirOf(mesh).apiUrl}/v1/${what}`)).json();
  const [tables, { agents }, { decisions }] = (await Promise.all([get('tables'), get('agents'), get('decisions')])) as [
    Told['tables'],
    Told,
    Told,
  ];
  return { tables, agents, decisions };
}

function toldAfter(who: Who | 'nobody'): Told {
  const found = told.get(who);
  if (!found) throw new Error(`the run did not get as far as the time after ${who}`);
  return found;
}

const failedIds = ({ requests }: RunResult) =>
  new Set(requests.filter(({ status }) => !isSuccess(status)).map(({ id }) => id));
const share = ({ tally }: RunResult, fromMs: number, toMs: number) =>
  tally.shareIn(clusters[1] ?? '', clusters, fromMs, toMs) ?? Number.NaN;
const zones = read.scenario.zones;
/** Weight of stock v2 in each zone's table. */
const weights = ({ tables }: Told) =>
  zones.map((zone) => {
    const table = tables.services.find(({ service, group }) => service === 'stock:80' && group === zone);
    return table?.backends.find(({ name }) => name === 'v2')?.weight;
  });
/** The same by the newest decision. */
const decided = ({ decisions }: Told) =>
  zones.map((zone) => decisions.find(({ service, group }) => service === 'stock:80' && group === zone)?.to.v2);

// uvu says nothing of a hook that fails, so this is a test.
test('a mesh runs to its end without Weir, and with a Weir that is killed and started again', async () => {
  const { signal } = new AbortController();
  const { env, platform, arch } = process;
  const envoy = await findEnvoy({ env, platform, arch, say: () => {}, signal });
  const run = (kind: 'steered' | 'unsteered', interventions: readonly Intervention[]) =>
    runScenario({
      ...read,
      seed: read.scenario.seed,
      envoy: envoy.path,
      directory: join(folder, kind),
      isSteered: kind === 'steered',
      interventions,
      signal,
    });
  plain = await run('unsteered', []);
  steered = await run('steered', [
    {
      atS: FIRST_AT_S,
      act: async (mesh) => {
        told.set('nobody', await untilInStep(mesh));
        for (const who of victims) await killAndRestart(mesh, who);
      },
    },
  ]);
});

test('both runs send the same requests, and some fail without Weir', () => {
  assert.is(steered.requests.length, plain.requests.length);
  assert.ok(plain.requests.length > 1600, `${plain.requests.length} requests`);
  assert.ok(failedIds(plain).size > 5, `${failedIds(plain).size} failed`);
});

test('with controller, agents or both killed under load not one request fails that would not have failed without Weir', () => {
  const unsteered = failedIds(plain);
  const more = steered.requests.filter(({ id, status }) => !isSuccess(status) && !unsteered.has(id));
  assert.equal(more, []);
  assert.equal(steered.lost, [], 'nothing ended that nobody killed');
});

test('Weir had decided something by then: stock v2, which is slow, has lost its share', () => {
  assert.ok(share(plain, 5000, 26_000) > 0.4, `unsteered ${share(plain, 5000, 26_000)}`);
  const [relief] = steered.decisions;
  assert.is(relief?.kind, 'relief');
  assert.ok(share(steered, 6500, 7500) < 0.15, `steered ${share(steered, 6500, 7500)}`);
});

test('the outages lay within the load', () => {
  assert.equal([...outages.keys()], victims);
  assert.ok([...outages.values()].every(({ toMs }) => toMs < read.scenario.durationS * 1000));
});

for (const who of victims) {
  test(`with ${who} gone the weights stay in force`, () => {
    const { fromMs, toMs } = outages.get(who) ?? { fromMs: 0, toMs: 0 };
    const seen = share(steered, fromMs, toMs);
    assert.ok(seen < 0.15, `stock v2 has a share of ${seen}`);
  });
}

test('a controller that comes back has the weights and the decisions it had, under a higher epoch', () => {
  assert.equal(weights(toldAfter('the controller')), weights(toldAfter('nobody')));
  for (const who of ['nobody', ...victims] as const) {
    assert.equal(weights(toldAfter(who)), decided(toldAfter(who)), `weights after ${who}`);
    assert.ok(
      weights(toldAfter(who)).every((weight) => weight !== undefined && weight < 5000),
      `weights after ${who}`,
    );
  }
  const epochs = (['nobody', ...victims] as const).map((who) => toldAfter(who).tables.epoch);
  const first = epochs[0] ?? 0;
  assert.equal(epochs, [first, first + 1, first + 1, first + 2], 'agents alone that come back change nothing');
});

test('an agent that comes back has the tables it had, before it has heard of a controller', () => {
  for (const node of nodes) {
    const events = readFileSync(join(folder, 'steered', `agent@${node}.log`), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { event?: string; tableEpoch?: number });
    const restored = events.filter(({ event }) => event === 'tables_restored').map(({ tableEpoch }) => tableEpoch);
    const { epoch } = toldAfter('the controller').tables;
    assert.equal(restored, [epoch, epoch], `restored on ${node}`);
  }
});

/** Processes that have the mark in their environment, as every child of a demo has that was started with it. */
function marked(mark: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`WEIR_TEST_MARK=${mark}`);
      } catch {
        // It has ended in between.
        return false;
      }
    });
}

/** A demo with all its processes running: the parent, its reaper, two of apps, four Envoys, the load generator. */
async function startDemo(mark: string) {
  const args = [join(buildRoot, 'controller', 'cli', 'main.js'), 'demo', '--unsteered', '--scenario', path];
  const demo = spawn(process.execPath, [...args, '--keep-logs', join(folder, mark)], {
    env: { ...process.env, WEIR_TEST_MARK: mark },
    stdio: 'ignore',
  });
  const ended = once(demo, 'exit');
  await until('the demo to be complete', () => marked(mark).length >= 9, 60_000);
  return { demo, ended };
}

test('after Ctrl-C no process of a demo is left, and the exit code says what ended it', async () => {
  const { demo, ended } = await startDemo('interrupted');
  demo.kill('SIGINT');
  assert.equal(await ended, [130, null]);
  assert.equal(marked('interrupted'), []);
});

test('after a SIGKILL of the demo itself no process of it is left', async () => {
  const { demo, ended } = await startDemo('killed');
  demo.kill('SIGKILL');
  await ended;
  await until('its children to be gone', () => marked('killed').length === 0);
});

test.run();

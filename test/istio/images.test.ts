/** The images: twice the same, taken by a registry, and running as the chart runs them, before a real API server. */
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, lstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freePorts } from '../../deploy/local/apps/ports.ts';
import { before } from '../support/before.ts';
import { ApiServer } from './api-server.ts';
import { argsOf, environmentOf, type Rendered, renderChart } from './chart.ts';
import { Container, mayEnter } from './container.ts';
import { eventually } from './eventually.ts';
import { buildImages } from './images.ts';
import { ROOT_NAMESPACE } from './istiod.ts';
import { Registry } from './registry.ts';
import { Weir } from './weir.ts';

const test = suite('images');
/** Where nobody may enter a container, how it runs is not looked at. */
const running = mayEnter ? test : test.skip;
if (!mayEnter)
  process.stderr.write('only root may shut a process into an image here: whether images run is not looked at\n');

/** What an ELF file says of its machine, at this offset. */
const MACHINE_OFFSET = 18;
const MACHINES = { amd64: 62, arm64: 183 } as const;
const [own, other] = process.arch === 'arm64' ? (['arm64', 'amd64'] as const) : (['amd64', 'arm64'] as const);

let cluster: ApiServer;
let weir: Weir;
let chart: readonly Rendered[];
let digests: Readonly<Record<string, string>>;
let agent: Container;
let controller: Container;
let controllerPort = 0;

const layouts = () => join(cluster.folder, 'images');

before(test, async () => {
  cluster = await ApiServer.start();
  weir = await Weir.install(cluster, {});
  chart = renderChart(cluster, {});
  cluster.kubectl('create', 'namespace', ROOT_NAMESPACE);
  digests = buildImages(layouts());
  agent = new Container(join(layouts(), 'weir-agent'), join(cluster.folder, 'agent-container'));
  controller = new Container(join(layouts(), 'weir-controller'), join(cluster.folder, 'controller-container'));
});
test.after(() => cluster?.close());

test('built once more they are the same', () => {
  assert.equal(Object.keys(digests), ['weir-filter', 'weir-agent', 'weir-controller']);
  // The controller is made as the agent is, of more packages; building it takes the longest.
  const again = buildImages(join(cluster.folder, 'again'), '--only', 'filter,agent');
  assert.equal(Object.keys(again), ['weir-filter', 'weir-agent']);
  for (const [name, digest] of Object.entries(again)) assert.is(digest, digests[name], name);
});

test('a registry takes them, and its client finds every layer and configuration as it should be', async () => {
  const registry = await Registry.start(cluster);
  for (const [name, digest] of Object.entries(digests)) {
    assert.is(registry.push(join(layouts(), name), `${name}:0.1.0`), digest);
    const remote = `${registry.address}/${name}:0.1.0`;
    registry.crane('validate', '--remote', remote);
    assert.is(JSON.parse(registry.crane('manifest', remote)).schemaVersion, 2);
  }
  assert.throws(() => registry.crane('validate', '--remote', `${registry.address}/weir-proxy:0.1.0`), /NAME_UNKNOWN/);
});

/** Machines of the ELF files below a folder. */
function machinesIn(folder: string): Readonly<Record<string, number>> {
  const head = Buffer.alloc(MACHINE_OFFSET + 2);
  const found: Record<string, number> = {};
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!lstatSync(join(folder, path)).isFile()) continue;
    const file = openSync(join(folder, path), 'r');
    const isElf = readSync(file, head) === head.length && head.subarray(0, 4).toString('latin1') === '\x7fELF';
    closeSync(file);
    if (isElf) found[path] = head.readUInt16LE(MACHINE_OFFSET);
  }
  return found;
}

test('every binary in an image is one for its machine', () => {
  const output = join(cluster.folder, other);
  buildImages(output, '--only', 'controller', '--arch', other, '--root-fs');
  const roots = [
    [own, agent.root],
    [own, controller.root],
    [other, join(output, 'weir-controller')],
  ] as const;
  for (const [architecture, root] of roots) {
    const machines = machinesIn(root);
    assert.ok('usr/local/bin/node' in machines);
    const others = Object.entries(machines).filter(([, machine]) => machine !== MACHINES[architecture]);
    assert.equal(others, [], root);
  }
});

test('the agent does not carry what only the controller uses', () => {
  const modules = ({ root }: Container) => join(root, 'opt', 'weir', 'node_modules');
  for (const name of ['@kubernetes/client-node', 'libsql', 'fastify']) {
    assert.ok(existsSync(join(modules(controller), name)), name);
    assert.not.ok(existsSync(join(modules(agent), name)), name);
  }
});

running('inside it is Node 24, nobody in particular, a root that cannot be written, and certificates', () => {
  const text = `
    const { getCACertificates } = require('node:tls');
    let code; try { require('node:fs').writeFileSync('/opt/weir/x', '') } catch (error) { code = error.code }
    const ids = [process.getuid(), process.getgid(), process.getgroups()];
    console.log(JSON.stringify([process.version.split('.')[0], code, ids, getCACertificates('system').length > 100]))`;
  for (const container of [agent, controller]) {
    const said = execFileSync('unshare', container.script(text), { encoding: 'utf8' });
    assert.equal(JSON.parse(said), ['v24', 'EROFS', [65532, 65532, [65532]], true]);
  }
});

running('weir says its version', () => {
  for (const container of [agent, controller]) {
    assert.is(execFileSync('unshare', container.command(['--version']), { encoding: 'utf8' }), '0.1.0\n');
  }
});

running('a command that an image does not have says which has it', () => {
  const run = () => execFileSync('unshare', agent.command(['schema', 'crd']), { encoding: 'utf8', stdio: 'pipe' });
  assert.throws(run, /weir schema is not part of what is installed here .*the controller's all but weir demo/);
});

running('the controller runs as the chart has it: healthy, ready, serving the filter and attaching it', async () => {
  [controllerPort = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${controllerPort}`;
  const kubeConfig = controller.put('kubeconfig', readFileSync(weir.kubeConfigOf('weir-controller'), 'utf8'));
  cluster.run(
    'controller-image',
    'unshare',
    controller.command(argsOf(chart, 'Deployment'), {
      ...environmentOf(chart, 'Deployment'),
      WEIR_CONTROLLER_LISTEN: `127.0.0.1:${controllerPort}`,
      WEIR_CONTROLLER_FILTER_URL: url,
      KUBECONFIG: kubeConfig,
    }),
    {},
  );
  await eventually('it to be healthy', async () => (await fetch(`${url}/healthz`)).ok);
  await eventually('it to be ready', async () => (await fetch(`${url}/readyz`)).ok);
  const plugin = ['get', 'wasmplugin', 'weir', '-n', ROOT_NAMESPACE, '-o', 'jsonpath={.spec.url}'];
  await eventually('the filter to be attached', async () => cluster.kubectl(...plugin).startsWith(url));
  const module = await fetch(cluster.kubectl(...plugin));
  assert.is(module.status, 200);
});

running('the agent runs as the chart has it: healthy, and let in by the controller', async () => {
  const [port = 0] = await freePorts(1);
  const token = agent.put('token', weir.token('weir-agent', '--audience', 'weir'));
  cluster.run(
    'agent-image',
    'unshare',
    agent.command(argsOf(chart, 'DaemonSet'), {
      ...environmentOf(chart, 'DaemonSet'),
      WEIR_AGENT_LISTEN: `127.0.0.1:${port}`,
      WEIR_AGENT_CONTROLLER: `ws://127.0.0.1:${controllerPort}/v1/agents`,
      WEIR_AGENT_NODE: 'node-1',
      WEIR_AGENT_TOKEN_FILE: token,
    }),
    {},
  );
  await eventually('it to be healthy', async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok);
  await eventually('it to be connected', async () => {
    const answer = await fetch(`http://127.0.0.1:${controllerPort}/v1/agents`);
    return ((await answer.json()) as { agents: unknown[] }).agents.length === 1;
  });
});

running("the chart's last job takes away what the controller put into the cluster", () => {
  const kubeConfig = controller.put('kubeconfig', readFileSync(weir.kubeConfigOf('weir-controller'), 'utf8'));
  // Helm would have made these first.
  cluster.apply(...chart.filter(({ kind, metadata }) => kind !== 'Job' && metadata.name === 'weir-withdraw'));
  const withdraw = controller.command(argsOf(chart, 'Job'), { KUBECONFIG: kubeConfig });
  const said = execFileSync('unshare', withdraw, { encoding: 'utf8' });
  assert.match(said, 'stopped: Deployment weir-system/weir-controller');
  assert.match(said, `gone: WasmPlugin ${ROOT_NAMESPACE}/weir`);
  assert.is(cluster.kubectl('get', 'wasmplugins', '--all-namespaces', '-o', 'name'), '');
});

test.run();

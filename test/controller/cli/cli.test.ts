/** The weir command as a process: its help, its sentences, and a whole round with a controller. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const command = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'controller', 'cli', 'main.js');
const route = `apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: search, namespace: demo }
spec:
  host: search.demo
  port: 8080
  backends: [{ name: v1, cluster: search-v1 }, { name: v2, cluster: search-v2 }]
`;

interface Context {
  folder: string;
  children: ChildProcess[];
}

const test = suite<Context>('weir');
test.before.each((context) => {
  Object.assign(context, { folder: mkdtempSync(join(tmpdir(), 'weir-cli-')), children: [] });
  writeFileSync(join(context.folder, 'search.yaml'), route);
});
test.after.each(({ folder, children }) => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function launch(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WEIR_')));
  return spawn(process.execPath, [command, ...args], { env: { ...clean, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
}

function weir(...args: string[]): Promise<Outcome> {
  return outcomeOf(launch(args));
}

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => (out += chunk));
  child.stderr?.on('data', (chunk) => (err += chunk));
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err: err.trim() };
}

/** A controller process; its address once its log says that it listens. */
async function controller(
  context: Context,
  env: Record<string, string> = {},
): Promise<{ child: ChildProcess; url: string }> {
  const { folder } = context;
  const args = ['controller', '--routes', join(folder, 'search.yaml'), '--db', join(folder, 'weir.db')];
  const child = launch([...args, '--listen', '127.0.0.1:0'], env);
  context.children.push(child);
  assert.ok(child.stdout);
  for await (const line of createInterface({ input: child.stdout })) {
    const { event, url } = JSON.parse(line) as { event: string; url: string };
    if (event === 'listening') return { child, url };
  }
  throw new Error('the controller ended before it listened');
}

test('help lists every command, and each command has examples', async () => {
  const { code, out } = await weir('--help');
  assert.is(code, 0);
  const commands = ['demo', 'controller', 'agent', 'status', 'decisions', 'graph', 'tables'];
  const others = ['freeze', 'unfreeze', 'pin', 'unpin', 'revert', 'validate', 'schema'];
  for (const name of [...commands, ...others]) assert.match(out, new RegExp(`^  ${name} `, 'm'));
  for (const name of ['demo', 'pin', 'status', 'validate']) {
    const help = await weir(name, '--help');
    assert.is(help.code, 0);
    assert.match(help.out, new RegExp(`Examples?:\\n  weir ${name}\\b`));
  }
});

test('an unknown command or option is answered with the one that was meant', async () => {
  const unknown = await weir('stauts');
  assert.is(unknown.code, 1);
  assert.match(unknown.err, /unknown command 'stauts'\s+\(Did you mean status\?\)/);
  assert.match((await weir('status', '--jsn')).err, /unknown option '--jsn'\s+\(Did you mean --json\?\)/);
});

test('with no controller there, one sentence and exit 1', async () => {
  const { code, err } = await weir('status', '--url', 'http://127.0.0.1:1');
  assert.is(code, 1);
  assert.match(
    err,
    /^no controller answers at http:\/\/127\.0\.0\.1:1 \(.+\); start one with weir controller, or say where/,
  );
  assert.is(err.split('\n').length, 1);
});

test('a wrong configuration of the controller is one sentence and exit 1', async ({ folder }) => {
  const missing = await weir('controller');
  assert.is(missing.code, 1);
  assert.is(missing.err, 'WEIR_CONTROLLER_ROUTES is not set; it must name a file or folder of AdaptiveRoute documents');
  writeFileSync(join(folder, 'bad.yaml'), route.replace('port:', 'prot:'));
  const bad = await weir('controller', '--routes', join(folder, 'bad.yaml'));
  assert.is(bad.code, 1);
  assert.is(bad.err, 'bad.yaml:6: AdaptiveRoute demo/search: spec.prot is not known; did you mean port?');
});

test('validate tells right files from wrong ones', async ({ folder }) => {
  const right = await weir('validate', join(folder, 'search.yaml'));
  assert.is(right.code, 0);
  assert.match(right.out, /search\.yaml: 1 AdaptiveRoute for search\.demo:8080/);
  writeFileSync(join(folder, 'bad.yaml'), route.replace('8080', '99999'));
  const wrong = await weir('validate', join(folder, 'bad.yaml'), join(folder, 'none.yaml'));
  assert.is(wrong.code, 1);
  assert.match(wrong.err, 'spec.port is 99999; it must be an integer from 1 to 65535');
  assert.match(wrong.err, /none\.yaml does not exist/);
});

test('schema prints JSON Schema', async () => {
  const { out } = await weir('schema', 'route');
  assert.is((JSON.parse(out) as { title: string }).title, 'AdaptiveRoute');
  assert.match((await weir('schema', 'mesh')).err, 'Allowed choices are route, scenario');
});

test('a person pins, freezes, looks, and the controller stops when told', async (context) => {
  const { child, url } = await controller(context);
  const ask = (...args: string[]) => weir(...args, '--url', url);
  const status = await ask('status');
  assert.match(status.out, /search\.demo:8080\s+all others\s+v1\s+50\.0/);
  const pinned = await ask('pin', 'search.demo:8080', 'v1=90%', 'v2=0.1', '--by', 'anna', '--why', 'a test');
  assert.is(pinned.code, 0, pinned.err);
  assert.match(pinned.out, 'search.demo:8080: manual, v2 50 % → 10 %, v1 50 % → 90 %: pinned: a test; by anna');
  assert.match((await ask('tables')).out, /v2\s+search-v2\s+10\.0/);
  const frozen = await ask('freeze', 'search.demo:80', '--why', 'audit');
  assert.is(frozen.code, 1);
  assert.is(frozen.err, 'no AdaptiveRoute names the service search.demo:80; known services are search.demo:8080');
  assert.match((await ask('decisions', '--limit', '1')).out, /^\d{4}-.*pinned: a test/);
  assert.match((await ask('graph')).out, 'no call was measured yet');
  const services = JSON.parse((await ask('status', '--json')).out) as { pinned: { by: string } }[];
  assert.is(services[0]?.pinned.by, 'anna');
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number];
  assert.is(code, 0);
});

test('a controller with a token says how to give it', async (context) => {
  const file = join(context.folder, 'token');
  writeFileSync(file, 'a-token-of-some-length\n');
  const { url } = await controller(context, { WEIR_CONTROLLER_TOKEN_FILE: file });
  const refused = await weir('freeze', '*', '--url', url);
  assert.is(refused.code, 1);
  assert.match(refused.err, 'changes state: no token was shown');
  assert.match(refused.err, '--token-file');
  assert.is((await weir('freeze', '*', '--url', url, '--token-file', file)).code, 0);
});

test('a port that is taken is a sentence', async (context) => {
  const { url } = await controller(context);
  const taken = await weir(
    'controller',
    '--routes',
    join(context.folder, 'search.yaml'),
    '--db',
    ':memory:',
    '--listen',
    new URL(url).host,
  );
  assert.is(taken.code, 1);
  assert.match(taken.err, /^WEIR_CONTROLLER_LISTEN is 127\.0\.0\.1:\d+, where nobody can listen: .*EADDRINUSE/m);
});

test('generate prints what Istio needs to know, and says for which routes there is nothing', async ({ folder }) => {
  const path = join(folder, 'istio.yaml');
  writeFileSync(
    path,
    route.replace('cluster: search-v1', 'labels: { v: "1" }').replace('cluster: search-v2', 'weight: 0'),
  );
  const wrong = await weir('generate', '--from', path);
  assert.match(wrong.err, /weight is missing; give every backend one or none/);
  writeFileSync(path, route.replace(', cluster: search-v1', '').replace(', cluster: search-v2', ''));
  const { code, out } = await weir('generate', '--from', path);
  assert.is(code, 0);
  assert.match(out, /kind: DestinationRule[\s\S]*---\n[\s\S]*kind: VirtualService/);
  const none = await weir('generate', '--from', join(folder, 'search.yaml'));
  assert.is(none.code, 1);
  assert.match(none.err, /no VirtualService for demo\/search: its clusters are not those of Istio's subsets/);
});

test('generate --envoy writes files for Envoys with the weights that a controller has, and says how to refer to them', async (context) => {
  const { url } = await controller(context);
  assert.is((await weir('pin', '*', 'v1=90%', 'v2=10%', '--by', 'anna', '--url', url)).code, 0);
  const folder = join(context.folder, 'envoy');
  const { code, out, err } = await weir(
    'generate',
    '--from',
    url,
    '--envoy',
    '-o',
    folder,
    '--module',
    '/opt/weir.wasm',
  );
  assert.is(code, 0, err);
  assert.match(readFileSync(join(folder, 'routes.yaml'), 'utf8'), /name: search-v1\n\s+weight: 9000/);
  assert.match(readFileSync(join(folder, 'filter.yaml'), 'utf8'), 'filename: /opt/weir.wasm');
  assert.match(out, `path: ${join(folder, 'routes.yaml')}`);
  assert.match(out, 'search-v1, search-v2, and weir-agent');
  assert.equal(readdirSync(folder).sort(), ['filter.yaml', 'routes.yaml']);
  const nowhere = await weir('generate', '--from', url, '--envoy');
  assert.equal([nowhere.code, nowhere.err], [1, '--envoy writes files that Envoys watch; say where, with -o FOLDER']);
});

test('generate scales a backend that says how, also where Istio has no subsets of it', async ({ folder }) => {
  const path = join(folder, 'scaled.yaml');
  const scale = 'scale: { deployment: search, rpsPerReplica: 20, maxReplicas: 9 }';
  writeFileSync(path, route.replace('cluster: search-v1', `cluster: search-v1, ${scale}`));
  const { code, out } = await weir('generate', '--from', path, '--controller-url', 'https://weir.example.com');
  assert.is(code, 0);
  assert.match(out, /^apiVersion: keda\.sh\/v1alpha1\nkind: ScaledObject/);
  assert.match(out, 'url: https://weir.example.com/v1/demand?service=search.demo%3A8080&backend=v1');
  const wrong = await weir('generate', '--from', path, '--controller-url', 'weir:15900');
  assert.match(wrong.err, '--controller-url is weir:15900; it must be a URL, for example http://weir-controller');
});

test('schema crd is a custom resource definition', async () => {
  const { code, out } = await weir('schema', 'crd');
  assert.is(code, 0);
  assert.match(out, /kind: CustomResourceDefinition/);
});

test('a controller that is to take routes from a cluster where there is none says so', async ({ folder, children }) => {
  const child = launch(['controller', '--routes', 'kubernetes'], { HOME: folder, KUBECONFIG: '' });
  children.push(child);
  const { code, err } = await outcomeOf(child);
  assert.is(code, 1);
  assert.match(err, /^a Kubernetes API server is asked for \(WEIR_CONTROLLER_ROUTES, .*\), and none is configured/);
  const wrong = await weir('controller', '--routes', 'kubernetes:No_Namespace');
  assert.match(wrong.err, /after the colon it must name a namespace, for example kubernetes:shop/);
});

test.run();

/** Who is let in, by a real API server's word: real ServiceAccount tokens, the chart's own roles, whole agents and a whole controller. */
import { createSign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { before } from '../support/before.ts';
import { ApiServer } from './api-server.ts';
import { SYSTEM_NAMESPACE } from './chart.ts';
import { eventually } from './eventually.ts';
import { Weir } from './weir.ts';

const test = suite('access by ServiceAccount tokens');

let cluster: ApiServer;
let weir: Weir;

before(test, async () => {
  cluster = await ApiServer.start();
  weir = await Weir.install(cluster, { filter: { namespaces: [] } });
  await weir.startController();
});
test.after(() => cluster?.close());

/** One of its label combinations in Prometheus text; 0 where it is not there. */
async function refused(code: string): Promise<number> {
  const text = await (await weir.ask('/metrics')).text();
  const line = text.split('\n').find((each) => each.startsWith(`weir_controller_agents_refused_total{code="${code}"}`));
  return Number(line?.split(' ').at(-1) ?? 0);
}

async function connected(): Promise<string[]> {
  const { agents } = (await (await weir.ask('/v1/agents')).json()) as { agents: { agentId: string }[] };
  return agents.map(({ agentId }) => agentId).sort();
}

const logOf = (name: string) => readFileSync(join(cluster.folder, `${name}.log`), 'utf8');

/** Signed by the API server's own key, of an account that is there, and over since an hour. */
function expiredToken(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const nowS = Math.floor(Date.now() / 1_000);
  const uid = cluster.kubectl(
    'get',
    '-n',
    SYSTEM_NAMESPACE,
    'serviceaccount',
    'weir-agent',
    '-o',
    'jsonpath={.metadata.uid}',
  );
  const [head = ''] = weir.token('weir-agent', '--audience', 'weir').split('.');
  const claims = part({
    ...{
      iss: 'https://kubernetes.default.svc',
      aud: ['weir'],
      iat: nowS - 7_200,
      nbf: nowS - 7_200,
      exp: nowS - 3_600,
    },
    sub: `system:serviceaccount:${SYSTEM_NAMESPACE}:weir-agent`,
    'kubernetes.io': { namespace: SYSTEM_NAMESPACE, serviceaccount: { name: 'weir-agent', uid } },
  });
  const key = readFileSync(join(cluster.folder, 'accounts.key'));
  const signature = createSign('RSA-SHA256').update(`${head}.${claims}`).sign(key, 'base64url');
  return `${head}.${claims}.${signature}`;
}

test('an agent with its own token is let in', async () => {
  await weir.startAgent('right');
  await eventually('it to be connected', async () => (await connected()).length === 1);
});

test('a wrong, an expired, a foreign and a missing token are each refused, logged and counted, and no token is in a log', async () => {
  const expired = expiredToken();
  const foreign = weir.token('weir-controller', '--audience', 'weir');
  const other = weir.token('weir-agent', '--audience', 'somebody-else');
  await weir.startAgent('expired', { WEIR_AGENT_TOKEN_FILE: weir.tokenFile('expired.token', expired) });
  await weir.startAgent('other', { WEIR_AGENT_TOKEN_FILE: weir.tokenFile('other.token', other) });
  await weir.startAgent('foreign', { WEIR_AGENT_TOKEN_FILE: weir.tokenFile('foreign.token', foreign) });
  await weir.startAgent('missing', { WEIR_AGENT_TOKEN_FILE: '' });
  await eventually('two bad ones to be counted', async () => (await refused('WEIR_HUB_BAD_TOKEN')) >= 2);
  await eventually('the foreign one to be counted', async () => (await refused('WEIR_HUB_FORBIDDEN')) >= 1);
  await eventually('the missing one to be counted', async () => (await refused('WEIR_HUB_NO_TOKEN')) >= 1);
  assert.equal((await connected()).length, 1);
  for (const name of ['expired', 'other', 'foreign', 'missing']) {
    await eventually(`${name} to say it`, async () => logOf(name).includes('controller_refused'));
  }
  assert.match(logOf('foreign'), 'weir-controller has no role that allows get on /weir/agents');
  const logs = ['controller', 'expired', 'other', 'foreign', 'right'].map(logOf).join('');
  for (const token of [expired, foreign, other]) assert.not.ok(logs.includes(token.split('.')[2] ?? ''));
});

test('who has the role may change state, who has not may not', async () => {
  const freeze = async (token: string) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ service: 'nothing:80', by: 'ann', why: 'a test' });
    const answer = await weir.ask('/v1/freeze', { method: 'POST', headers, body });
    return [answer.status, ((await answer.json()) as { code: string }).code];
  };
  cluster.kubectl('create', 'serviceaccount', 'ann');
  const token = cluster.kubectl('create', 'token', 'ann', '--audience', 'weir').trim();
  assert.equal(await freeze(token), [403, 'WEIR_API_FORBIDDEN']);
  assert.equal(await freeze('made-up'), [401, 'WEIR_API_BAD_TOKEN']);
  const role = '--clusterrole=weir-system-weir-operator';
  cluster.kubectl('create', 'clusterrolebinding', 'ann', role, '--serviceaccount=default:ann');
  await eventually('the role to count', async () => (await freeze(token))[0] === 404);
  assert.equal(await freeze(token), [404, 'WEIR_CONTROLLER_UNKNOWN_SERVICE']);
});

test('a controller whose certificate nobody vouches for is not spoken to', async () => {
  const file = (ending: string) => join(cluster.folder, 'certificates', `apiserver.${ending}`);
  const tls = { WEIR_CONTROLLER_TLS_CERT_FILE: file('crt'), WEIR_CONTROLLER_TLS_KEY_FILE: file('key') };
  await weir.killController();
  await weir.startController(tls);
  const controller = { WEIR_AGENT_CONTROLLER: `wss://127.0.0.1:${weir.controllerPort}` };
  await weir.startAgent('trusting', { ...controller, WEIR_AGENT_CA_FILE: file('crt') });
  await eventually('who knows its authority to be let in', async () =>
    logOf('trusting').includes('controller_connected'),
  );
  const port = await weir.startAgent('wary', controller);
  await eventually('who does not to say why', async () => /controller_unreachable.*certificate/.test(logOf('wary')));
  await eventually('each try to be counted', async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return Number(/^weir_agent_controller_connects_total (\d+)/m.exec(text)?.[1] ?? 0) >= 2;
  });
  assert.not.match(logOf('wary'), 'controller_connected');
  await weir.killController();
  await weir.startController();
  await eventually('the first agent to be back', async () => (await connected()).includes('right'));
});

test('with the API server away who is connected stays', async () => {
  await cluster.kill();
  const before = await connected();
  assert.equal(before, ['right']);
  await weir.startAgent('late', { WEIR_AGENT_TOKEN_FILE: join(cluster.folder, 'expired.token') });
  await eventually('a newcomer to be told to come again', async () => (await refused('WEIR_HUB_TOKEN_UNKNOWN')) >= 1);
  assert.equal(await connected(), before);
});

test.run();

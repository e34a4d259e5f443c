/** A wrong variable is one sentence that names it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError, parseConfig } from '../../controller/config.ts';

const routes = { WEIR_CONTROLLER_ROUTES: 'routes.yaml' };

function complaint(env: NodeJS.ProcessEnv): string {
  try {
    parseConfig({ ...routes, ...env });
  } catch (error) {
    assert.instance(error, ConfigError);
    return (error as Error).message;
  }
  return '';
}

test('with routes alone every default holds', () => {
  assert.equal(parseConfig({ ...routes, PATH: '/bin', WEIR_AGENT_LISTEN: 'not ours' }), {
    host: '127.0.0.1',
    port: 15_900,
    routesPath: 'routes.yaml',
    dbPath: './weir.db',
    windowMs: 1_000,
    tableTtlMs: 300_000,
    logLevel: 'info',
  });
});

test('routes are required', () => {
  assert.throws(() => parseConfig({}), 'WEIR_CONTROLLER_ROUTES is not set');
});

test('manifests go to the cluster that routes come from, or where it says', () => {
  const to = (env: NodeJS.ProcessEnv) => parseConfig({ ...routes, ...env }).publish;
  assert.is(to({}), undefined);
  assert.is(to({ WEIR_CONTROLLER_ROUTES: 'kubernetes:shop' }), 'kubernetes');
  assert.is(to({ WEIR_CONTROLLER_ROUTES: 'kubernetes', WEIR_CONTROLLER_PUBLISH: 'off' }), undefined);
  assert.equal(to({ WEIR_CONTROLLER_PUBLISH: 'files:./manifests' }), { folder: './manifests' });
  assert.match(complaint({ WEIR_CONTROLLER_PUBLISH: 'git' }), /^WEIR_CONTROLLER_PUBLISH is git; it must be kubernetes/);
});

test('a misspelt variable is named with the one that was meant', () => {
  assert.is(
    complaint({ WEIR_CONTROLLER_LISTN: ':1' }),
    'WEIR_CONTROLLER_LISTN is not known; did you mean WEIR_CONTROLLER_LISTEN?',
  );
  assert.match(
    complaint({ WEIR_CONTROLLER_COLOUR: 'red' }),
    'WEIR_CONTROLLER_COLOUR is not known; known are WEIR_CONTROLLER_LISTEN,',
  );
});

test('a wrong value is named with what was given and what is allowed', () => {
  assert.match(
    complaint({ WEIR_CONTROLLER_WINDOW_MS: '1s' }),
    'WEIR_CONTROLLER_WINDOW_MS is 1s; it must be an integer from 100 to 600000',
  );
  assert.match(complaint({ WEIR_CONTROLLER_WINDOW_MS: '99' }), 'from 100 to 600000');
  assert.match(
    complaint({ WEIR_CONTROLLER_LISTEN: 'localhost' }),
    'WEIR_CONTROLLER_LISTEN is localhost; it must be address:port',
  );
  assert.match(complaint({ WEIR_CONTROLLER_LISTEN: 'localhost:99999' }), 'it must be address:port');
  assert.match(
    complaint({ WEIR_CONTROLLER_LOG_LEVEL: 'loud' }),
    'it must be one of trace, debug, info, warn, error, silent',
  );
});

test('addresses come in three ways', () => {
  const listen = (text: string) => {
    const { host, port } = parseConfig({ ...routes, WEIR_CONTROLLER_LISTEN: text });
    return [host, port];
  };
  assert.equal(listen('10.0.0.1:0'), ['10.0.0.1', 0]);
  assert.equal(listen('[::1]:80'), ['::1', 80]);
  assert.equal(listen(':80'), ['0.0.0.0', 80]);
});

test('who is let in is said in one way, and TLS needs a pair', () => {
  assert.is(parseConfig({ ...routes, WEIR_CONTROLLER_TOKEN_AUDIENCE: 'weir' }).tokenAudience, 'weir');
  const folder = mkdtempSync(join(tmpdir(), 'weir-config-'));
  const file = join(folder, 'token');
  writeFileSync(file, 'a-token-of-some-length\n');
  assert.match(
    complaint({ WEIR_CONTROLLER_TOKEN_AUDIENCE: 'weir', WEIR_CONTROLLER_TOKEN_FILE: file }),
    'are both set; choose one',
  );
  rmSync(folder, { recursive: true });
  const pair = { WEIR_CONTROLLER_TLS_CERT_FILE: 'tls.crt', WEIR_CONTROLLER_TLS_KEY_FILE: 'tls.key' };
  assert.equal(parseConfig({ ...routes, ...pair }).tls, { certFile: 'tls.crt', keyFile: 'tls.key' });
  assert.is(
    complaint({ WEIR_CONTROLLER_TLS_KEY_FILE: 'tls.key' }),
    'WEIR_CONTROLLER_TLS_KEY_FILE is set and WEIR_CONTROLLER_TLS_CERT_FILE is not; TLS needs both',
  );
});

test('of several controllers one leads by a Lease, whose name is whole', () => {
  const lease = { WEIR_CONTROLLER_LEASE: 'weir-system/weir-controller' };
  assert.equal(parseConfig({ ...routes, ...lease }).lease, { namespace: 'weir-system', name: 'weir-controller' });
  const pod = { WEIR_CONTROLLER_POD: 'weir-controller-1' };
  assert.is(parseConfig({ ...routes, ...lease, ...pod }).lease?.pod, 'weir-controller-1');
  assert.is(parseConfig(routes).lease, undefined);
  assert.is(
    complaint({ WEIR_CONTROLLER_LEASE: 'weir-controller' }),
    'WEIR_CONTROLLER_LEASE is weir-controller; it must be NAMESPACE/NAME, for example weir-system/weir-controller',
  );
  assert.match(complaint({ WEIR_CONTROLLER_LEASE: 'Weir/x' }), /must be NAMESPACE\/NAME/);
  assert.match(complaint(pod), /WEIR_CONTROLLER_POD is set and WEIR_CONTROLLER_LEASE is not/);
});

test('the token is read from its file, and must be one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-config-'));
  const file = join(folder, 'token');
  writeFileSync(file, 'a-token-of-some-length\n');
  assert.is(parseConfig({ ...routes, WEIR_CONTROLLER_TOKEN_FILE: file }).token, 'a-token-of-some-length');
  writeFileSync(file, '\n');
  assert.match(
    complaint({ WEIR_CONTROLLER_TOKEN_FILE: file }),
    'must hold one token of at least 16 visible characters',
  );
  rmSync(folder, { recursive: true });
  assert.match(complaint({ WEIR_CONTROLLER_TOKEN_FILE: file }), 'which cannot be read');
});

test.run();

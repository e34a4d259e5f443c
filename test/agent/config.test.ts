/** The configuration: defaults, and one sentence for whatever is wrong. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig, readToken, SETTINGS } from '../../agent/config.ts';
import { BadConfig } from '../../agent/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'weir-agent-config-'));
const tokenFile = join(folder, 'token');
const caFile = join(folder, 'ca.pem');
const shortFile = join(folder, 'short');
writeFileSync(tokenFile, 'a-token-of-some-length\n');
writeFileSync(shortFile, 'short');
writeFileSync(caFile, '-----BEGIN CERTIFICATE-----\n');
test.after(() => rmSync(folder, { recursive: true, force: true }));

function refusal(env: Record<string, string>, options: Record<string, string> = {}): string {
  try {
    parseConfig(env, options);
  } catch (error) {
    if (error instanceof BadConfig) return error.message;
    throw error;
  }
  return 'taken';
}

test('without any variable there are defaults, and other variables are nobody’s business', () => {
  assert.equal(parseConfig({ PATH: '/bin', WEIR_CONTROLLER_LISTEN: 'not ours' }), {
    host: '127.0.0.1',
    port: 15_990,
    controllerUrl: 'ws://127.0.0.1:15900/v1/agents',
    node: hostname(),
    zone: '',
    stateDir: join(homedir(), '.local/state/weir/agent'),
    forecastWindowMs: 10_000,
    outboxReports: 60,
    maxConnections: 4_096,
    logLevel: 'info',
  });
});

test('every variable counts', () => {
  assert.equal(
    parseConfig({
      WEIR_AGENT_LISTEN: '[::1]:0',
      WEIR_AGENT_CONTROLLER: 'wss://weir:443/agents?a=1',
      WEIR_AGENT_NODE: 'node-1',
      WEIR_AGENT_ZONE: 'zone-a',
      WEIR_AGENT_STATE_DIR: '/somewhere',
      WEIR_AGENT_TOKEN_FILE: tokenFile,
      WEIR_AGENT_CA_FILE: caFile,
      WEIR_AGENT_FORECAST_WINDOW_MS: '1000',
      WEIR_AGENT_OUTBOX_REPORTS: '1',
      WEIR_AGENT_MAX_CONNECTIONS: '10',
      WEIR_AGENT_LOG_LEVEL: 'silent',
    }),
    {
      host: '::1',
      port: 0,
      controllerUrl: 'wss://weir/agents?a=1',
      node: 'node-1',
      zone: 'zone-a',
      stateDir: '/somewhere',
      tokenFile,
      caFile,
      forecastWindowMs: 1_000,
      outboxReports: 1,
      maxConnections: 10,
      logLevel: 'silent',
    },
  );
});

test('an empty variable is its default, an option wins over its variable', () => {
  assert.is(parseConfig({ WEIR_AGENT_LISTEN: '' }).port, 15_990);
  assert.is(parseConfig({ WEIR_AGENT_ZONE: 'zone-a' }, { ZONE: 'zone-b' }).zone, 'zone-b');
  assert.is(parseConfig({ WEIR_AGENT_LISTEN: 'wrong' }, { LISTEN: ':7' }).host, '0.0.0.0');
});

test('a controller named by its host alone is asked where agents are taken', () => {
  assert.is(parseConfig({ WEIR_AGENT_CONTROLLER: 'ws://weir:15900' }).controllerUrl, 'ws://weir:15900/v1/agents');
});

const wrong: readonly [env: Record<string, string>, sentence: string][] = [
  [{ WEIR_AGENT_LISEN: 'x' }, 'WEIR_AGENT_LISEN is not known; did you mean WEIR_AGENT_LISTEN?'],
  [{ WEIR_AGENT_CONTROLLER_URL: 'x' }, 'WEIR_AGENT_CONTROLLER_URL is not known; did you mean WEIR_AGENT_CONTROLLER?'],
  [
    { WEIR_AGENT_QUX: 'x' },
    `WEIR_AGENT_QUX is not known; known are ${SETTINGS.map(({ name }) => `WEIR_AGENT_${name}`).join(', ')}`,
  ],
  [{ WEIR_AGENT_LISTEN: '8080' }, 'WEIR_AGENT_LISTEN is 8080; it must be address:port, for example 127.0.0.1:15990'],
  [
    { WEIR_AGENT_LISTEN: 'a:65536' },
    'WEIR_AGENT_LISTEN is a:65536; it must be address:port, for example 127.0.0.1:15990',
  ],
  [
    { WEIR_AGENT_CONTROLLER: 'http://weir:1' },
    'WEIR_AGENT_CONTROLLER is http://weir:1; it must be a ws:// or wss:// URL, for example ws://weir:15900/v1/agents',
  ],
  [{ WEIR_AGENT_NODE: 'n'.repeat(256) }, 'WEIR_AGENT_NODE has 256 characters; allowed are 255'],
  [
    { WEIR_AGENT_FORECAST_WINDOW_MS: '999' },
    'WEIR_AGENT_FORECAST_WINDOW_MS is 999; it must be an integer from 1000 to 3600000',
  ],
  [{ WEIR_AGENT_OUTBOX_REPORTS: '1e3' }, 'WEIR_AGENT_OUTBOX_REPORTS is 1e3; it must be an integer from 1 to 3600'],
  [{ WEIR_AGENT_MAX_CONNECTIONS: '0' }, 'WEIR_AGENT_MAX_CONNECTIONS is 0; it must be an integer from 1 to 100000'],
  [
    { WEIR_AGENT_LOG_LEVEL: 'loud' },
    'WEIR_AGENT_LOG_LEVEL is loud; it must be one of trace, debug, info, warn, error, fatal, silent',
  ],
  [
    { WEIR_AGENT_TOKEN_FILE: shortFile },
    `WEIR_AGENT_TOKEN_FILE is ${shortFile}; the file must hold one token of at least 16 visible characters`,
  ],
  [{ WEIR_AGENT_CA_FILE: shortFile }, `WEIR_AGENT_CA_FILE is ${shortFile}, which holds no PEM certificate`],
];
for (const [env, sentence] of wrong) {
  test(`${Object.entries(env).join().slice(0, 60)} is refused with one sentence`, () => {
    assert.is(refusal(env), sentence);
  });
}

test('a wrong option is refused by the name of the option', () => {
  assert.is(refusal({}, { OUTBOX_REPORTS: 'many' }), '--outbox-reports is many; it must be an integer from 1 to 3600');
});

test('a token is read from its file without the white space around it', () => {
  assert.is(readToken(tokenFile), 'a-token-of-some-length');
  assert.match(refusal({ WEIR_AGENT_TOKEN_FILE: join(folder, 'nothing') }), 'which cannot be read: ENOENT');
});

test.run();

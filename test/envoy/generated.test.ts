/** Files that `weir generate --envoy` writes, in a real Envoy whose listener refers to them as the command says. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { listenerPart } from '../../controller/generate/envoy-files.ts';
import { buildRoot } from '../../deploy/local/root.ts';
import { eventually } from '../istio/eventually.ts';
import { Caller } from '../support/calls.ts';
import { type Json, Lab } from '../support/lab.ts';
import { startOrigin } from '../support/origin.ts';
import { routed, tableOf } from '../support/shop.ts';
import { StandInAgent } from '../support/stand-in-agent.ts';
import { until } from '../support/until.ts';

const lab = await Lab.open();
const agent = await StandInAgent.start();
const a = await startOrigin('a');
const b = await startOrigin('b');
const shop = routed('shop', { a: a.port, b: b.port });
const folder = join(lab.directory, 'weir');

/** Runs the command on a route with these weights of its own. */
function generate(
  weights: { readonly a: number; readonly b: number },
  more: { into?: string; module?: string; cluster?: string } = {},
): void {
  const { into = folder, module = lab.wasmPath, cluster = 'outbound|80|b|shop' } = more;
  const routes = join(lab.directory, 'shop.yaml');
  writeFileSync(
    routes,
    `apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: shop }
spec:
  host: shop
  port: 80
  backends:
    - { name: a, cluster: outbound|80|a|shop, weight: ${weights.a} }
    - { name: b, cluster: "${cluster}", weight: ${weights.b} }
`,
  );
  const main = join(buildRoot, 'controller', 'cli', 'main.js');
  execFileSync(process.execPath, [main, 'generate', '--from', routes, '--envoy', '-o', into, '--module', module]);
}

/** The listener of a bootstrap takes its routes and the filter from files. */
function useFiles(bootstrap: Json, from: string): void {
  const { listeners } = bootstrap.static_resources as {
    listeners: [{ filter_chains: [{ filters: [{ typed_config: Json }] }] }];
  };
  const manager = listeners[0].filter_chains[0].filters[0].typed_config;
  delete manager.route_config;
  Object.assign(manager, listenerPart(from));
}

generate({ a: 10_000, b: 0 });
const proxy = await lab.proxy({
  services: [shop],
  agentPort: agent.port,
  change: (bootstrap) => useFiles(bootstrap, folder),
});
const caller = new Caller(proxy.port);
const servedBy = async (host = 'shop') => (await caller.call(host)).servedBy;
const stat = async (name: string) => Number(/: (\d+)/.exec(await proxy.admin(`/stats?filter=${name}`))?.[1] ?? 0);

test.after(async () => {
  await caller.close();
  await lab.close();
  await Promise.all([agent.close(), a.close(), b.close()]);
});

test('the filter is live, and while it has no table the plain route serves', async () => {
  await until('both VMs to ask for a table', () => agent.holding() === 2);
  assert.ok((await stat('wasm.envoy.wasm.runtime.v8.active')) > 0);
  assert.equal([await servedBy(), await servedBy('shop:80')], ['a', 'a']);
});

test('other weights move the plain route of a running Envoy', async () => {
  generate({ a: 0, b: 10_000 });
  await eventually('calls at b', async () => (await servedBy()) === 'b');
  assert.equal([...(await caller.burst('shop', 50, 4))], [['b', 50]]);
});

test('a table steers by the header routes, whatever the plain route says', async () => {
  agent.deliver([tableOf(shop, { a: 10_000, b: 0 })]);
  await until('both VMs to have the table', () => agent.upToDate() === 2);
  assert.equal([...(await caller.burst('shop', 50, 4))], [['a', 50]]);
});

test('a cluster that Envoy does not have refuses the file, and what was in force stays', async () => {
  generate({ a: 0, b: 10_000 }, { cluster: 'nowhere' });
  await eventually('the file to be refused', async () => (await stat('rds.weir.update_rejected')) > 0);
  assert.is(await servedBy(), 'a');
  assert.equal(lab.died, []);
});

test('a filter that cannot be had is passed by: the plain route serves', async () => {
  const into = join(lab.directory, 'without');
  generate({ a: 0, b: 10_000 }, { into, module: '/nowhere/weir.wasm' });
  const without = await lab.proxy({
    services: [shop],
    agentPort: agent.port,
    change: (bootstrap) => useFiles(bootstrap, into),
  });
  const other = new Caller(without.port);
  assert.is((await other.call('shop')).servedBy, 'b');
  await other.close();
});

test.run();

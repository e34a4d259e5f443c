/** Who stands where, and the bootstrap that an Envoy gets: a small golden one. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { EndpointPorts } from '../../deploy/local/apps/messages.ts';
import { bootstrapOf } from '../../deploy/local/envoy/bootstrap.ts';
import { describeSidecar, placeEndpoints, placeSidecars } from '../../deploy/local/mesh/plan.ts';
import { packageRoot } from '../../deploy/local/root.ts';
import { parseScenario } from '../../deploy/local/scenario/parse.ts';
import { smallScenario } from './small-scenario.ts';

const scenario = parseScenario(smallScenario, 'small.yaml');
const endpoints: readonly EndpointPorts[] = [
  { service: 'front', backend: 'v1', index: 0, port: 1001, portByZone: { west: 1002 } },
  { service: 'stock', backend: 'v1', index: 0, port: 2001, portByZone: { west: 2002 } },
  { service: 'stock', backend: 'v1', index: 1, port: 2003, portByZone: { west: 2004 } },
  { service: 'stock', backend: 'v2', index: 0, port: 3001, portByZone: { east: 3002 } },
];

const sidecarOf = (workload: string, weir?: { wasmPath: string; agentPort: number }) => {
  const place = placeSidecars(scenario).find((candidate) => candidate.workload === workload);
  if (!place) throw new Error(`no sidecar for ${workload}`);
  return describeSidecar(scenario, place, endpoints, weir);
};

test('endpoints are dealt out over the nodes of their zone', () => {
  assert.equal(
    [...placeEndpoints(scenario)].map(([node, placed]) => [
      node,
      placed.map((e) => `${e.service}/${e.backend}/${e.index}`),
    ]),
    [
      ['node-east', ['front/v1/0', 'stock/v1/0', 'stock/v1/1']],
      ['node-west', ['stock/v2/0']],
    ],
  );
});

test('there is a sidecar where calls are made, and a gateway where load comes from', () => {
  assert.equal(
    placeSidecars(scenario).map(({ name, calls }) => [name, calls]),
    [
      ['gateway@node-east', ['front']],
      ['front@node-east', ['stock']],
    ],
  );
});

test('a caller reaches the endpoints of its zone directly and those of others over the wire', () => {
  const [stock] = sidecarOf('front').services;
  assert.equal(
    stock?.backends.map((backend) => backend.endpointPorts),
    [[2001, 2003], [3002]],
  );
});

test('the bootstrap of a steered sidecar is the golden one', () => {
  const bootstrap = bootstrapOf(sidecarOf('front', { wasmPath: '/opt/weir/weir.wasm', agentPort: 15901 }));
  const golden = readFileSync(join(packageRoot, 'test', 'deploy', 'bootstrap.golden.json'), 'utf8');
  assert.equal(bootstrap, JSON.parse(golden));
});

test('a mesh without Weir differs by the filter and the agent alone', () => {
  const steered = JSON.parse(JSON.stringify(bootstrapOf(sidecarOf('front', { wasmPath: 'w', agentPort: 1 }))));
  const plain = JSON.parse(JSON.stringify(bootstrapOf(sidecarOf('front'))));
  const manager = steered.static_resources.listeners[0].filter_chains[0].filters[0].typed_config;
  assert.is(manager.http_filters.shift().name, 'weir');
  assert.is(steered.static_resources.clusters.pop().name, 'weir-agent');
  assert.equal(steered, plain);
});

test('a service with one backend has one route', () => {
  const [listener] = (bootstrapOf(sidecarOf('gateway')).static_resources as { listeners: unknown[] }).listeners;
  const text = JSON.stringify(listener);
  assert.not.match(text, 'x-weir-backend');
  assert.match(text, '"cluster":"outbound|80|v1|front"');
});

test.run();

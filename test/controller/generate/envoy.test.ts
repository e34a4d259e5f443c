/** What plain Envoys are told of routes. What an Envoy makes of it is in test/envoy. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { virtualHostsOf } from '../../../controller/generate/envoy.ts';
import { filterText, listenerPart, routesText } from '../../../controller/generate/envoy-files.ts';
import { oneRoute } from '../routes/one-route.ts';

const routeOf = (name: string, port: number, backends: string) =>
  oneRoute(`apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: ${name} }
spec: { host: search, port: ${port}, backends: ${backends} }
`);
const two = routeOf('search', 8080, '[{ name: v1, cluster: search-v1 }, { name: v2, cluster: search-v2 }]');

test('a service is a virtual host: a route per backend by the header, then the plain one by weight', () => {
  assert.fixture(
    routesText([{ route: two, weights: { v1: 7_500, v2: 2_500 } }]).replace(/version_info: \w{12}\n/, ''),
    `# Made by weir generate --envoy.
resources:
  - "@type": type.googleapis.com/envoy.config.route.v3.RouteConfiguration
    name: weir
    virtual_hosts:
      - name: search:8080
        domains:
          - search
          - search:8080
        routes:
          - name: v1
            match:
              prefix: /
              headers:
                - name: x-weir-backend
                  string_match:
                    exact: v1
            route:
              cluster: search-v1
              timeout: 0s
          - name: v2
            match:
              prefix: /
              headers:
                - name: x-weir-backend
                  string_match:
                    exact: v2
            route:
              cluster: search-v2
              timeout: 0s
          - name: plain
            match:
              prefix: /
            route:
              weighted_clusters:
                clusters:
                  - name: search-v1
                    weight: 7500
                  - name: search-v2
                    weight: 2500
              timeout: 0s
    validate_clusters: true
`,
  );
});

test('where a host has several ports, its name alone means port 80', () => {
  const one = (port: number) => routeOf(`search-${port}`, port, `[{ name: v1, cluster: search-${port} }]`);
  const domains = (...ports: number[]) =>
    virtualHostsOf(ports.map((port) => ({ route: one(port), weights: { v1: 10_000 } }))).map((each) => each.domains);
  assert.equal(domains(8080, 80), [['search:8080'], ['search', 'search:80']]);
  assert.equal(domains(8080, 9090), [['search:8080'], ['search:9090']]);
});

test('where there is one backend, nothing is chosen', () => {
  const [host] = virtualHostsOf([{ route: routeOf('one', 80, '[{ name: v1, cluster: c }]'), weights: { v1: 10_000 } }]);
  assert.equal(host?.routes, [{ name: 'plain', match: { prefix: '/' }, route: { cluster: 'c', timeout: '0s' } }]);
});

test('the version changes with what the file says, and only then', () => {
  const version = (v1: number) =>
    /version_info: (\w+)/.exec(routesText([{ route: two, weights: { v1, v2: 10_000 - v1 } }]))?.[1];
  assert.is(version(7_500), version(7_500));
  assert.is.not(version(7_500), version(7_400));
});

test('the filter is passed by where it fails, and a listener refers to both files by one name', () => {
  const text = filterText('/opt/weir/weir.wasm');
  for (const line of ['    name: weir\n', 'failure_policy: FAIL_OPEN', 'filename: /opt/weir/weir.wasm'])
    assert.ok(text.includes(line), line);
  const { rds, http_filters: filters } = listenerPart('/etc/envoy/weir');
  assert.is(rds.route_config_name, 'weir');
  assert.is(rds.config_source.path_config_source.path, '/etc/envoy/weir/routes.yaml');
  assert.is(filters[0]?.name, 'weir');
});

test.run();

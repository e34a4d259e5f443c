/** Routes from text: defaults, and a sentence for everything that is wrong. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseAll, parseRoutes, RouteError } from '../../../controller/routes/parse.ts';
import { serviceOf } from '../../../controller/routes/route.ts';

const good = `apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: search, namespace: demo }
spec:
  host: search.demo
  port: 8080
  backends:
    - { name: v1, cluster: search-v1 }
    - { name: v2, cluster: search-v2 }
`;

function problemsOf(text: string, name = 'search.yaml'): readonly string[] {
  try {
    parseRoutes(text, name);
  } catch (error) {
    assert.instance(error, RouteError);
    return (error as RouteError).problems;
  }
  return [];
}

function change(from: string, to: string): readonly string[] {
  assert.ok(good.includes(from), `${from} is in the good document`);
  return problemsOf(good.replace(from, to));
}

test('a short document becomes a route with every default filled in', () => {
  const [route] = parseRoutes(good, 'search.yaml');
  assert.ok(route);
  assert.is(serviceOf(route), 'search.demo:8080');
  assert.is(route.spec.mode, 'enforce');
  assert.is(route.spec.objective.latencyMs, 500);
  assert.equal(route.spec.trial.stages, [0.1, 0.3, 1]);
  assert.is(route.spec.backends[1]?.minShare, 0.002);
  assert.is(route.spec.backends[1]?.weight, undefined);
});

test('several documents in one file are several routes, empty ones are none', () => {
  const other = good.replaceAll('search', 'pay');
  assert.is(parseRoutes(`${good}---\n${other}---\n# nothing here\n`, 'all.yaml').length, 2);
  assert.equal(parseRoutes('', 'empty.yaml'), []);
});

test('a misspelt key is named with file, line, document and the key that was meant', () => {
  assert.equal(change('  port: 8080', '  port: 8080\n  objective: { latencyMS: 30 }'), [
    'search.yaml:7: AdaptiveRoute demo/search: spec.objective.latencyMS is not known; did you mean latencyMs?',
  ]);
});

test('a key that is near to nothing is answered with what is allowed', () => {
  const [sentence = ''] = change('name: search,', 'name: search, zebra: 1,');
  assert.match(sentence, 'metadata.zebra is not known; allowed here: name, namespace, labels, annotations');
});

test('a misspelt key that is also missing is one mistake', () => {
  assert.equal(change('cluster: search-v2', 'clutser: search-v2'), [
    'search.yaml:9: AdaptiveRoute demo/search: spec.backends[1].clutser is not known; did you mean cluster?',
  ]);
});

test('a wrong value is named with what was given and what is allowed', () => {
  assert.match(change('8080', '99999')[0] ?? '', /spec\.port is 99999; it must be an integer from 1 to 65535$/);
  assert.match(change('8080', '"x"')[0] ?? '', /spec\.port is "x"; it must be an integer from 1 to 65535$/);
  const modes = change('  port: 8080', '  port: 8080\n  mode: enforced')[0] ?? '';
  assert.match(modes, /spec\.mode is "enforced"; it must be observe, recommend or enforce$/);
  assert.match(
    change('cluster: search-v1', `cluster: ${'x'.repeat(256)}`)[0] ?? '',
    'it must be a text of at most 255 characters',
  );
});

test('a missing field is named with what it must be', () => {
  assert.match(change('  host: search.demo\n', '')[0] ?? '', /spec\.host is missing; it must be a text/);
});

test('more mistakes than the checker lists by itself are all named', () => {
  const many = Array.from({ length: 12 }, (_, index) => `    - { name: b${index}, cluster: c${index}, weight: -1 }`);
  assert.is(problemsOf(good.replace(/ {4}- [\s\S]*$/, many.join('\n'))).length, 12);
});

test('what is no YAML and what is no route are told apart', () => {
  assert.match(problemsOf('a: [1')[0] ?? '', /^search\.yaml:1: the document is not YAML: /);
  assert.match(problemsOf('just text')[0] ?? '', 'document 1: the document is "just text"; it must be a map');
  assert.match(
    change('kind: AdaptiveRoute', 'kind: Deployment')[0] ?? '',
    'kind is "Deployment"; it must be AdaptiveRoute',
  );
  assert.match(problemsOf('a: *nowhere')[0] ?? '', /^search\.yaml:1: /);
});

test('sums, orders and instants are checked beyond the schema', () => {
  const spec = (lines: string) => change('  port: 8080', `  port: 8080\n${lines}`)[0] ?? '';
  assert.match(
    spec('  policy: inverse-latncy'),
    'spec.policy: inverse-latncy is not known; did you mean inverse-latency?',
  );
  assert.match(spec('  trial: { stages: [0.5, 0.2] }'), 'spec.trial.stages is [0.5,0.2]; each stage must be above');
  const freeze = (from: string, to: string) => spec(`  guard: { freezes: [{ from: "${from}", to: "${to}" }] }`);
  assert.match(
    freeze('tomorrow', '2026-11-27T00:00:00Z'),
    'spec.guard.freezes[0].from is "tomorrow"; it must be an RFC 3339',
  );
  assert.match(freeze('2026-11-28T00:00:00Z', '2026-11-27T00:00:00Z'), 'it must be later than from');
  assert.match(freeze('2026-13-45T00:00:00Z', '2026-11-27T00:00:00Z'), 'RFC 3339');
});

test('weights must sum to the whole, and all backends have one or none', () => {
  const weights = (first: string, second: string) =>
    problemsOf(good.replace('search-v1 }', `search-v1${first} }`).replace('search-v2 }', `search-v2${second} }`))[0] ??
    '';
  assert.match(weights(', weight: 4000', ', weight: 5000'), 'weights sum to 9000; they must sum to 10000');
  assert.match(weights(', weight: 4000', ''), 'spec.backends[1].weight is missing; give every backend one or none');
  assert.is(weights(', weight: 4000', ', weight: 6000'), '');
  assert.match(weights(', minShare: 0.6', ', minShare: 0.6'), 'minShare sums to 1.2; it must be at most 1');
  assert.match(weights(', maxShare: 0.4', ', maxShare: 0.5'), 'maxShare sums to 0.9; it must be at least 1');
  assert.match(weights(', minShare: 0.5, maxShare: 0.4', ''), 'minShare is 0.5; it must be at most maxShare, 0.4');
});

test('a backend or a cluster that stands twice is named at its second place', () => {
  assert.match(change('name: v2', 'name: v1')[0] ?? '', 'spec.backends[1].name is "v1", as in spec.backends[0]');
  assert.match(
    change('search-v2', 'search-v1')[0] ?? '',
    'spec.backends[1].cluster is "search-v1", as in spec.backends[0]',
  );
  const entry = change('  port: 8080', '  port: 8080\n  entryClusters: [search-v2]')[0] ?? '';
  assert.match(entry, 'spec.entryClusters[0] is "search-v2", a cluster that is used already');
});

test('routes of several files may not share a service or a cluster', () => {
  const clash = (second: string): string => {
    try {
      parseAll([
        { text: good, name: 'a.yaml' },
        { text: second, name: 'b.yaml' },
      ]);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const renamed = good.replace('name: search', 'name: twin');
  assert.match(
    clash(renamed),
    /^b\.yaml:5: AdaptiveRoute demo\/twin: .*search\.demo:8080, which has a route already.*demo\/search\)$/,
  );
  const sharing = renamed.replace('search.demo', 'other').replace('search-v1', 'other-v1');
  assert.match(
    clash(sharing),
    /^b\.yaml:9: .*spec\.backends\[1\]\.cluster is "search-v2", a cluster that is used already/,
  );
  assert.is(clash(sharing.replace('search-v2', 'other-v2')), '');
});

test('where Istio names the clusters a host is its whole name, so namespaces may have a Service of one name each', () => {
  const subsets = good.replace(', cluster: search-v1', '').replace(', cluster: search-v2', '');
  const inNamespace = (namespace: string, host: string) =>
    subsets.replace('namespace: demo', `namespace: ${namespace}`).replace('host: search.demo', `host: ${host}`);
  const both = `${inNamespace('shop', 'search')}---\n${inNamespace('stage', 'search')}`;
  assert.equal(parseRoutes(both, 'both.yaml').map(serviceOf), [
    'search.shop.svc.cluster.local:8080',
    'search.stage.svc.cluster.local:8080',
  ]);
  const twice = `${inNamespace('shop', 'search')}---\n${inNamespace('stage', 'search.shop.svc.cluster.local')}`;
  assert.match(problemsOf(twice)[0] ?? '', 'name search.shop.svc.cluster.local:8080, which has a route already');
});

test('how a backend is scaled is checked, and a Deployment has one autoscaler', () => {
  const scaled = (first: string, second = '') =>
    problemsOf(
      good
        .replace('cluster: search-v1', `cluster: search-v1, scale: { ${first} }`)
        .replace('cluster: search-v2', `cluster: search-v2${second && `, scale: { ${second} }`}`),
    );
  const whole = 'deployment: search, rpsPerReplica: 10, maxReplicas: 5';
  assert.equal(scaled(whole), []);
  assert.match(
    scaled(`${whole}, minReplicas: 6`)[0] ?? '',
    /scale\.minReplicas is 6; it must be at most maxReplicas, 5$/,
  );
  assert.match(scaled(whole.replace('10', '0'))[0] ?? '', /rpsPerReplica is 0; it must be a number above 0/);
  assert.match(scaled(`${whole}, minReplicas: 0`)[0] ?? '', /minReplicas is 0; it must be an integer from 1 to 10000$/);
  assert.match(scaled(whole.replace(', maxReplicas: 5', ''))[0] ?? '', 'scale.maxReplicas is missing');
  assert.match(
    scaled(whole, whole)[0] ?? '',
    /^search\.yaml:9: .*spec\.backends\[1\]\.scale\.deployment is "search", which another backend scales already/,
  );
  assert.equal(scaled(whole, whole.replace('search', 'search-2')), []);
});

test('policies of the caller are known too', () => {
  const text = good.replace('  port: 8080', '  port: 8080\n  policy: mine');
  assert.is(parseRoutes(text, 'x.yaml', ['mine'])[0]?.spec.policy, 'mine');
});

test.run();

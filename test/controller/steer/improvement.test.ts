/** Improvement as the whole core does it: proposals become trials, trials end in verdicts, and modes keep hands off. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sentenceOf } from '../../../controller/sentence.ts';
import { routeOf, SimulatedMesh } from '../../support/simulated-mesh.ts';

const two = routeOf(['v1', 'v2']);

function unequal(spec = '', seed = 1, loadRps = 60): SimulatedMesh {
  const mesh = new SimulatedMesh(routeOf(['v1', 'v2'], spec), { '': loadRps }, seed);
  Object.assign(mesh.backends.v2 ?? {}, { meanMs: 40 });
  return mesh;
}

test('a faster backend gets more, by trials whose stages and verdict are told', () => {
  const mesh = unequal();
  mesh.run(180);
  assert.equal(mesh.kinds().slice(0, 4), ['trial', 'trial', 'trial', 'verdict kept']);
  assert.ok(mesh.share('v1') > 0.65, JSON.stringify(mesh.weights()));
  const verdict = mesh.decisions.find(({ kind }) => kind === 'verdict');
  assert.ok(verdict);
  assert.match(
    sentenceOf(verdict),
    /^search\.demo:8080: verdict of trial 1, v2 50 % → [\d.]+ %, v1 50 % → [\d.]+ % because better beyond chance: .*; predicted \d+ ms, measured \d+ ms; kept$/,
  );
});

test('no step is larger than the route allows', () => {
  const mesh = unequal('  guard: { maxStep: 0.1 }');
  mesh.run(120);
  const [first] = mesh.decisions;
  assert.equal(first?.to, { v1: 6_000, v2: 4_000 });
  assert.match(first?.why ?? '', /held to a step of 10 %$/);
});

test('equal backends are left as they are for an hour', () => {
  const mesh = new SimulatedMesh(two, { '': 60 });
  mesh.run(3_600);
  assert.ok(mesh.decisions.length <= 3, mesh.kinds().join(', '));
});

test('a proposal that does harm is reverted, and the next waits longer', () => {
  const mesh = unequal('  policy: equal');
  mesh.controller.pin('search.demo:8080', '*', { v1: 9_500, v2: 500 }, 'anna', 'a test', mesh.at());
  mesh.controller.unpin('search.demo:8080', '*', 'anna', mesh.at());
  mesh.run(300);
  const verdicts = mesh.decisions.filter(({ kind }) => kind === 'verdict');
  assert.ok(verdicts.length >= 1);
  assert.ok(verdicts.every(({ verdict }) => verdict === 'reverted'));
  assert.equal(mesh.weights(), { v1: 9_500, v2: 500 });
  const starts = mesh.decisions.filter(({ kind, trial }) => kind === 'trial' && trial?.stage === 1);
  const gaps = starts.slice(1).map(({ atMs }, i) => atMs - (starts[i]?.atMs ?? 0));
  assert.ok(
    gaps.every((gap, i) => i === 0 || gap > (gaps[i - 1] ?? 0)),
    gaps.join(', '),
  );
});

test('a relief ends the trial of its group', () => {
  const mesh = unequal();
  mesh.runToTrial();
  Object.assign(mesh.backends.v1 ?? {}, { errorRatio: 0.95 });
  mesh.run(6);
  assert.ok(
    mesh.kinds().includes('verdict aborted') || mesh.kinds().includes('verdict reverted'),
    mesh.kinds().join(', '),
  );
  assert.ok(mesh.kinds().includes('relief'));
  assert.is(mesh.table()?.trialId, 0);
});

test('while a trial runs its table carries both weights and the share of the stage', () => {
  const mesh = unequal();
  mesh.runToTrial();
  const table = mesh.table();
  assert.is(table?.trialShare, 1_000);
  assert.ok(table?.backends.some(({ weight, trialWeight }) => weight !== trialWeight));
});

test('mode observe and mode recommend put nothing into the tables; recommend says what it would do', () => {
  const observing = unequal('  mode: observe');
  observing.run(120);
  assert.equal(observing.controller.tables().services, []);
  assert.equal(observing.kinds(), []);
  const recommending = unequal('  mode: recommend');
  recommending.run(300);
  assert.equal(recommending.controller.tables().services, []);
  assert.ok(recommending.kinds().length >= 1 && recommending.kinds().length <= 3, recommending.kinds().join(', '));
  assert.ok(recommending.kinds().every((kind) => kind === 'recommendation'));
});

test('with too few calls nothing is proposed, and the status says what is missing', () => {
  const mesh = unequal('', 1, 1);
  mesh.run(120);
  assert.equal(mesh.kinds(), []);
  assert.match(mesh.controller.services(mesh.at())[0]?.waitsFor ?? '', /^v\d had \d+ calls lately, 50 are needed$/);
});

test('a zone seen for the first time starts from the weights of everybody, pin included', () => {
  const mesh = new SimulatedMesh(two, { '': 10 });
  mesh.controller.pin('search.demo:8080', '*', { v1: 8_000, v2: 2_000 }, 'anna', 'a test', mesh.at());
  mesh.loadRps['zone-a'] = 10;
  mesh.run(1);
  assert.equal(mesh.weights('zone-a'), { v1: 8_000, v2: 2_000 });
  const status = mesh.controller.services(mesh.at()).find(({ group }) => group === 'zone-a');
  assert.is(status?.pinned?.by, 'anna');
});

test('callers of the whole mesh share weights where the route says so', () => {
  const mesh = new SimulatedMesh(routeOf(['v1', 'v2'], '  callerGroup: mesh'), { 'zone-a': 10, 'zone-b': 10 });
  mesh.run(3);
  assert.equal(
    mesh.controller.tables().services.map(({ group }) => group),
    ['*'],
  );
});

test.run();

/** A/A trials: the arms that filters are told of differ in nothing but the name, and the scenario makes trials. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { routesOf } from '../../deploy/local/scenario/routes.ts';
import { routeOf, SimulatedMesh } from '../support/simulated-mesh.ts';
import { withoutDifference } from './trials/aa-core.ts';
import { noisyScenario } from './trials/noisy.ts';

test('a trial that runs keeps its id and share, and both arms have the weights of the stable one', () => {
  const mesh = new SimulatedMesh(routeOf(['v1', 'v2'], '  policy: equal\n  guard: { maxStep: 0.5 }'), { '': 100 });
  mesh.controller.pin('search.demo:8080', '*', { v1: 9_500, v2: 500 }, 'test', 'a trial to come', mesh.at());
  mesh.controller.unpin('search.demo:8080', '*', 'test', mesh.at());
  for (let second = 0; second < 60 && !mesh.kinds().includes('trial'); second++) mesh.run(1);
  const tables = mesh.controller.tables();
  const [shipped] = tables.services;
  const [told] = withoutDifference(tables).services;
  assert.ok(shipped?.trialId && shipped.trialShare > 0, 'a trial runs');
  assert.equal([told?.trialId, told?.trialShare], [shipped.trialId, shipped.trialShare]);
  const weights = (of: typeof told) => of?.backends.map(({ weight, trialWeight }) => [weight, trialWeight]);
  assert.equal(weights(shipped), [
    [9_500, 5_000],
    [500, 5_000],
  ]);
  assert.equal(weights(told), [
    [9_500, 9_500],
    [500, 500],
  ]);
});

test('the noisy service has a zone for each trial at a time, and time for the rounds', () => {
  const scenario = noisyScenario(5, 2, 1);
  assert.is(scenario.load.length, 5);
  assert.is(scenario.durationS, 280);
  const [route] = routesOf(scenario);
  assert.equal([route?.spec.policy, route?.spec.trial.maxDurationS], ['equal', 120]);
  assert.equal(
    route?.spec.backends.map(({ weight }) => weight),
    [9_500, 500],
  );
});

test.run();

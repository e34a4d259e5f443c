/**
 * The contract of a policy, run over every one in the registry. What a policy cannot do is listed as a skip with its reason.
 * Bounds hold within one unit of 10,000: weights are integers, and three backends of at most 0.33334 have no exact ones.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { BackendView, Policy, Proposal, ServiceView } from '../../controller/decide/policy.ts';
import { policies } from '../../controller/decide/registry.ts';
import { drawsOf } from '../controller/decide/draws.ts';
import { backendView, serviceView } from '../controller/decide/views.ts';

const FUZZED_VIEWS = 2_000;

/** Title of a case to why a policy cannot pass it, by policy. */
const skips: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  equal: {
    'a backend that fails fast gets less than a healthy one': 'it wants nothing of the figures',
  },
};

/** Values at which arithmetic breaks, and ordinary ones. */
function fuzzedBackend(name: string, uniform: () => number, bounds: Pick<BackendView, 'minShare' | 'maxShare'>) {
  const odd = [0, 0, Number.MIN_VALUE, 1e-9, 1e9, Number.MAX_VALUE, Number.POSITIVE_INFINITY];
  const figure = (scale: number) =>
    uniform() < 0.25 ? (odd[Math.floor(uniform() * odd.length)] ?? 0) : scale * uniform() ** 3;
  return backendView(name, {
    ...bounds,
    isLocal: uniform() < 0.5,
    callCount: uniform() < 0.2 ? 0 : figure(1_000),
    loadRps: figure(500),
    totalLoadRps: figure(5_000),
    errorRatio: uniform() < 0.5 ? Math.round(uniform()) : uniform(),
    p50Ms: figure(100),
    p99Ms: figure(1_000),
    meanMs: figure(200),
    serviceMs: figure(100),
    queueMs: figure(100),
    inFlight: figure(100),
    lossMs: figure(1_000),
  });
}

function fuzzedView(uniform: () => number): ServiceView {
  const count = 1 + Math.floor(6 * uniform() ** 2);
  const backends = Array.from({ length: count }, (_, i) => {
    const minShare = uniform() < 0.5 ? 0 : uniform() / count;
    const maxShare = uniform() < 0.5 ? 1 : Math.max(minShare, 1 / count + uniform() * (1 - 1 / count));
    return fuzzedBackend(`b${i}`, uniform, { minShare, maxShare });
  });
  const left = { sum: 10_000 };
  const weighted = backends.map((backend, i) => {
    const weight = i === count - 1 ? left.sum : Math.floor(left.sum * uniform());
    left.sum -= weight;
    return { ...backend, weight };
  });
  const loads = [0, 60, 1e9, Number.POSITIVE_INFINITY];
  return serviceView(weighted, {
    targetMs: [0.001, 100, 60_000][Math.floor(3 * uniform())] ?? 100,
    crossZoneCostMs: uniform() < 0.5 ? 0 : 60_000 * uniform(),
    loadRps: loads[Math.floor(4 * uniform())] ?? 0,
    slowLoadRps: loads[Math.floor(4 * uniform())] ?? 0,
    forecastRps: uniform() < 0.5 ? [] : [0, 1e9, 60],
  });
}

function assertSound({ weights, reason, predictedLossMs }: Proposal, { backends }: ServiceView, of: string): void {
  assert.equal(Object.keys(weights).sort(), backends.map(({ name }) => name).sort(), of);
  const values = Object.values(weights);
  assert.ok(
    values.every((weight) => Number.isInteger(weight) && weight >= 0),
    `${of}: ${values}`,
  );
  assert.is(
    values.reduce((sum, weight) => sum + weight, 0),
    10_000,
    of,
  );
  assert.ok(predictedLossMs === undefined || (Number.isFinite(predictedLossMs) && predictedLossMs >= 0), of);
  assert.ok(reason.trim().length > 0 && !reason.includes('\n') && !/\.\s/.test(reason), `${of}: ${reason}`);
  assert.not.match(reason, /NaN|undefined|\[object/);
}

function assertBound({ weights }: Proposal, { backends }: ServiceView, of: string): void {
  for (const { name, minShare, maxShare } of backends) {
    const weight = weights[name] ?? Number.NaN;
    const isWithin = weight > minShare * 10_000 - 1 && weight < maxShare * 10_000 + 1;
    assert.ok(isWithin, `${of}: ${name} has ${weight}, allowed is ${minShare} to ${maxShare}`);
  }
}

/** A copy that complains when it is written to. */
function frozen(view: ServiceView): ServiceView {
  const backends = Object.freeze(view.backends.map((backend) => Object.freeze({ ...backend })));
  return Object.freeze({ ...view, backends, forecastRps: Object.freeze([...view.forecastRps]) });
}

const cold = (name: string, weight: number) =>
  backendView(name, {
    weight,
    callCount: 0,
    loadRps: 0,
    totalLoadRps: 0,
    p50Ms: 0,
    p99Ms: 0,
    meanMs: 0,
    inFlight: 0,
    lossMs: 0,
  });

const cases: Readonly<Record<string, (policy: Policy) => void>> = {
  'weights are integers out of 10,000 for every backend, within bounds, with a reason'(policy) {
    for (const names of [
      ['v1', 'v2'],
      ['v1', 'v2', 'v3'],
      ['a', 'b', 'c', 'd', 'e', 'f', 'g'],
    ]) {
      const view = serviceView(names.map((name, i) => backendView(name, { p50Ms: 10 + 7 * i, p99Ms: 50 + 20 * i })));
      const proposal = policy.propose(view);
      assertSound(proposal, view, names.join());
      assertBound(proposal, view, names.join());
    }
  },
  'bounds that leave no choice are met'(policy) {
    const bounds = { a: 0.7, b: 0.2, c: 0.1 };
    for (const key of ['minShare', 'maxShare'] as const) {
      const view = serviceView(
        Object.entries(bounds).map(([name, share]) => backendView(name, { minShare: 0, [key]: share })),
      );
      assert.equal(policy.propose(view).weights, { a: 7_000, b: 2_000, c: 1_000 });
    }
  },
  'bounds that cannot be met still give weights'(policy) {
    const view = serviceView(['a', 'b'].map((name) => backendView(name, { minShare: 0.9 })));
    assertSound(policy.propose(view), view, 'minShare 0.9 twice');
  },
  'one backend gets everything'(policy) {
    const view = serviceView([backendView('v1')]);
    assert.equal(policy.propose(view).weights, { v1: 10_000 });
    assert.equal(policy.propose(serviceView([cold('v1', 10_000)])).weights, { v1: 10_000 });
  },
  'no backend is no weights, and no error'(policy) {
    assert.equal(policy.propose(serviceView([])).weights, {});
  },
  'before the first call there are weights already'(policy) {
    const view = serviceView([cold('v1', 6_000), cold('v2', 4_000)], { loadRps: 0, slowLoadRps: 0 });
    const proposal = policy.propose(view);
    assertSound(proposal, view, 'no calls');
    assertBound(proposal, view, 'no calls');
  },
  'a backend without calls is not left out of the count'(policy) {
    const view = serviceView([backendView('v1'), cold('v2', 200)]);
    const proposal = policy.propose(view);
    assertSound(proposal, view, 'one cold');
    assertBound(proposal, view, 'one cold');
  },
  'the same view gives the same proposal, and is left as it was'(policy) {
    const { uniform } = drawsOf(7);
    for (let i = 0; i < 200; i++) {
      const view = fuzzedView(uniform);
      const first = policy.propose(frozen(view));
      assert.equal(policy.propose(frozen(view)), first, `view ${i}`);
    }
  },
  'the order of backends means nothing'(policy) {
    const { uniform } = drawsOf(8);
    for (let i = 0; i < 300; i++) {
      const view = fuzzedView(uniform);
      const { weights } = policy.propose(view);
      const backends = [...view.backends].reverse();
      assert.equal(sorted(policy.propose({ ...view, backends }).weights), sorted(weights), `view ${i} reversed`);
      const turned = [...view.backends.slice(1), ...view.backends.slice(0, 1)];
      assert.equal(sorted(policy.propose({ ...view, backends: turned }).weights), sorted(weights), `view ${i} turned`);
    }
  },
  [`${FUZZED_VIEWS} views of zeros, infinities and anything between give sound weights within bounds`](policy) {
    const { uniform } = drawsOf(9);
    for (let i = 0; i < FUZZED_VIEWS; i++) {
      const view = fuzzedView(uniform);
      const proposal = policy.propose(view);
      assertSound(proposal, view, `view ${i}`);
      assertBound(proposal, view, `view ${i}`);
    }
  },
  'a backend that fails fast gets less than a healthy one'(policy) {
    for (const errorRatio of [0.1, 0.3, 0.6, 0.9, 1]) {
      for (const targetMs of [100, 5_000]) {
        const fast = {
          p50Ms: errorRatio < 1 ? 0.5 : 0,
          p99Ms: errorRatio < 1 ? 1 : 0,
          meanMs: errorRatio < 1 ? 0.5 : 0,
          inFlight: 0.01,
        };
        const lossMs = errorRatio * 10 * targetMs + (1 - errorRatio) * 20;
        // As fast as the healthy one where it answers, and faster.
        for (const figures of [{}, fast]) {
          const failing = backendView('failing', { errorRatio, lossMs, ...figures });
          const well = backendView('well');
          const { weights } = policy.propose(serviceView([failing, well], { targetMs }));
          const isLess = (weights.failing ?? Number.NaN) < (weights.well ?? Number.NaN);
          assert.ok(isLess, `${errorRatio} failed, target ${targetMs} ms: ${JSON.stringify(weights)}`);
        }
      }
    }
  },
};

function sorted(weights: Proposal['weights']): [string, number][] {
  return Object.entries(weights).sort(([a], [b]) => (a < b ? -1 : 1));
}

for (const policy of policies) {
  const test = suite(`policy ${policy.name}`);
  for (const [title, run] of Object.entries(cases)) {
    const reason = skips[policy.name]?.[title];
    if (reason === undefined) test(title, () => run(policy));
    else void test.skip(`${title}: ${reason}`);
  }
  test.run();
}

/**
 * How long a move of weights takes until every proxy follows: by Weir's tables, and by patching a VirtualService that istiod turns into
 * routes. The same proxies, the same run, the two in turn.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CustomObjectsApi, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { arrivalOf, type DecisionRecord } from '../propagation/arrival.ts';
import { Pins } from '../propagation/pin.ts';
import { BACKENDS, type BackendName } from '../propagation/plan.ts';
import { Prober } from '../propagation/prober.ts';
import { hostOf, type Mesh, NAMESPACE, PORT } from './mesh.ts';

export const STEERED = 'steered';
export const PATCHED = 'patched';
const WAYS = [STEERED, PATCHED] as const;
export type Way = (typeof WAYS)[number];
const VIRTUAL_SERVICE = {
  group: 'networking.istio.io',
  version: 'v1beta1',
  plural: 'virtualservices',
  namespace: NAMESPACE,
  name: PATCHED,
};

/** Before it nothing can have changed, and probes take processor time from what is measured. */
const HEAD_START_MS = 20;
const PACE_MS = 0.5;
const CALM_MS = 60;
const AFTER_MS = 80;
const REST_MS = { least: 200, most: 600 };
const WARM_UP_ROUNDS = 5;
const SETTLE_MS = 3_000;

export interface MovesOptions {
  readonly rounds: number;
  /** Of who may change state. */
  readonly token: string;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly onRound: (done: number) => void;
}

export interface Moves {
  readonly records: Readonly<Record<Way, readonly DecisionRecord[]>>;
  /** How late its probes were sent, ms. */
  readonly lagsMs: Readonly<Record<Way, readonly number[]>>;
}

/** What the patched service is routed by. */
export function patchedObjects(): readonly object[] {
  const host = hostOf(PATCHED);
  const metadata = { name: PATCHED, namespace: NAMESPACE };
  const subsets = BACKENDS.map((name) => ({ name, labels: { version: name } }));
  const api = { apiVersion: 'networking.istio.io/v1beta1', metadata };
  return [
    { ...api, kind: 'DestinationRule', spec: { host, subsets } },
    { ...api, kind: 'VirtualService', spec: { hosts: [host], http: [routeTo('a')] } },
  ];
}

export function steeredRoute(): object {
  return {
    apiVersion: 'weir.dev/v1alpha1',
    kind: 'AdaptiveRoute',
    metadata: { name: STEERED, namespace: NAMESPACE },
    spec: {
      host: STEERED,
      port: PORT,
      backends: BACKENDS.map((name) => ({ name, labels: { version: name } })),
    },
  };
}

/** @throws Error when a proxy does not follow, or it is stopped */
export async function measureMoves(mesh: Mesh, options: MovesOptions): Promise<Moves> {
  const { rounds, random, signal, token } = options;
  const targets = mesh.proxies.map(({ address }, i) => ({ name: `proxy ${i + 1}`, address, port: PORT }));
  const pins = new Pins(mesh.weir.url, `${hostOf(STEERED)}:${PORT}`, token);
  const objects = mesh.cluster.kubeConfig.makeApiClient(CustomObjectsApi);
  const move: Readonly<Record<Way, (to: BackendName) => { sentMs: number; answered: Promise<number> }>> = {
    steered: (to) => pins.send(to),
    patched: (to) => {
      const body = { spec: { http: [routeTo(to)] } };
      const strategy = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
      const sentMs = performance.now();
      const patched = objects.patchNamespacedCustomObject({ ...VIRTUAL_SERVICE, body }, strategy);
      return { sentMs, answered: patched.then(() => performance.now()) };
    },
  };
  const probers = {
    steered: await Prober.open(targets, hostOf(STEERED), PACE_MS),
    patched: await Prober.open(targets, hostOf(PATCHED), PACE_MS),
  };
  const records: Record<Way, DecisionRecord[]> = { steered: [], patched: [] };
  const oneMove = async (way: Way, to: BackendName): Promise<DecisionRecord> => {
    const prober = probers[way];
    prober.begin();
    await prober.sweep(signal);
    await sleep(CALM_MS, undefined, { signal });
    const { sentMs, answered } = move[way](to);
    const [answeredMs] = await Promise.all([answered, prober.chase(to, sentMs + HEAD_START_MS, signal)]);
    await sleep(AFTER_MS, undefined, { signal });
    await prober.sweep(signal);
    const arrivals = prober.answers().map((answers, i) => {
      const arrival = arrivalOf(answers, to, sentMs);
      if (!arrival) throw new Error(`${targets[i]?.name} went back after it had followed to ${to} (${way})`);
      return arrival;
    });
    await sleep(REST_MS.least + random() * (REST_MS.most - REST_MS.least), undefined, { signal });
    return { answeredMs: answeredMs - sentMs, arrivals };
  };
  try {
    for (const way of WAYS) {
      const { sentMs, answered } = move[way]('a');
      await answered;
      await probers[way].chase('a', sentMs, signal);
    }
    await sleep(SETTLE_MS, undefined, { signal });
    for (let round = 1; round <= WARM_UP_ROUNDS + rounds; round += 1) {
      const to = BACKENDS[round % 2] ?? 'a';
      // Who goes first changes, so that neither always has the other's wake.
      for (const way of round % 4 < 2 ? WAYS : [...WAYS].reverse()) {
        const record = await oneMove(way, to);
        if (round > WARM_UP_ROUNDS) records[way].push(record);
      }
      if (round > WARM_UP_ROUNDS) options.onRound(round - WARM_UP_ROUNDS);
    }
  } finally {
    for (const prober of Object.values(probers)) prober.close();
    pins.close();
  }
  return { records, lagsMs: { steered: probers.steered.lagsMs, patched: probers.patched.lagsMs } };
}

function routeTo(to: BackendName): object {
  const route = BACKENDS.map((subset) => ({
    destination: { host: hostOf(PATCHED), subset, port: { number: PORT } },
    weight: subset === to ? 100 : 0,
  }));
  return { route };
}

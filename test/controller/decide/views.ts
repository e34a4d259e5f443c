/** Views for policies, as short as a test wants to be. */
import type { BackendView, ServiceView } from '../../../controller/decide/policy.ts';

/** A healthy backend at 30 calls a second and 20 ms; `more` says what is different. */
export function backendView(name: string, more: Partial<BackendView> = {}): BackendView {
  return {
    name,
    isLocal: true,
    weight: 5_000,
    minShare: 0.02,
    maxShare: 1,
    callCount: 400,
    loadRps: 30,
    totalLoadRps: 30,
    errorRatio: 0,
    p50Ms: 18,
    p99Ms: 60,
    meanMs: 20,
    serviceMs: 18,
    queueMs: 2,
    inFlight: 0.6,
    lossMs: 20,
    ...more,
  };
}

export function serviceView(backends: readonly BackendView[], more: Partial<ServiceView> = {}): ServiceView {
  return {
    service: 'search.demo:8080',
    group: 'zone-a',
    targetMs: 100,
    crossZoneCostMs: 0,
    loadRps: 60,
    slowLoadRps: 60,
    forecastRps: [],
    backends,
    ...more,
  };
}

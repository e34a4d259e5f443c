/**
 * How many calls left their zone, from the paths of requests: `service/backend` of everybody who served, callers before those
 * they call. Who called whom follows from the scenario: the caller is the nearest one above that calls this service. Pure.
 */
import type { Scenario } from '../../../deploy/local/scenario/schema.ts';

export interface Crossings {
  readonly callCount: number;
  readonly crossedCount: number;
}

/** @param zone that the request came from @param path empty when nobody answered; one cut off ends in `...` */
export function crossingsOf(scenario: Scenario, zone: string, path: string): Crossings {
  const above: { readonly service: string; readonly zone: string }[] = [];
  let callCount = 0;
  let crossedCount = 0;
  for (const step of path.split(' ')) {
    const [name = '', backendName = ''] = step.split('/');
    const service = scenario.services.find((each) => each.name === name);
    const backend = service?.backends.find((each) => each.name === backendName);
    if (!service || !backend) continue;
    while (above.length > 0 && !mayCall(scenario, above.at(-1)?.service ?? '', name)) above.pop();
    callCount += 1;
    if (backend.zone !== (above.at(-1)?.zone ?? zone)) crossedCount += 1;
    above.push({ service: name, zone: backend.zone });
  }
  return { callCount, crossedCount };
}

function mayCall({ services }: Scenario, caller: string, callee: string): boolean {
  const calls = services.find(({ name }) => name === caller)?.calls ?? [];
  return calls.flat().some(({ service }) => service === callee);
}

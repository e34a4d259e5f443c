/** Static weights of a service's backends. */
import type { Service } from './service-schema.ts';

const WEIGHT_TOTAL = 10_000;

/** Integers out of 10,000, as the scenario says or as equal as whole numbers can be, in the order of the backends. */
export function weightsOf(service: Pick<Service, 'backends'>): number[] {
  const count = service.backends.length;
  const base = Math.floor(WEIGHT_TOTAL / count);
  return service.backends.map(({ weight }, i) => weight ?? base + (i < WEIGHT_TOTAL - base * count ? 1 : 0));
}

/**
 * The controller's core with one thing changed: the trial arm is told the weights of the stable arm. Trials begin, are measured,
 * judged and end by the shipped code, which knows nothing of it; whatever difference it finds is false.
 */
import { Controller, type ControllerOptions, type Instant } from '../../../controller/controller.ts';
import type { Core } from '../../../controller/server.ts';
import type { Tables } from '../../../controller/wire/messages.ts';
import { coreAround } from '../peers/around.ts';

export function createAaCore(options: ControllerOptions, at: Instant): Core {
  const inner = new Controller(options, at);
  let of = inner.tables();
  let told = withoutDifference(of);
  return {
    ...coreAround(inner),
    tables: () => {
      const tables = inner.tables();
      // The same object until something changed, as the contract says.
      if (tables !== of) told = withoutDifference(tables);
      of = tables;
      return told;
    },
  };
}

/** Trial ids and shares stay; every backend has the same weight in both arms. */
export function withoutDifference(tables: Tables): Tables {
  const services = tables.services.map((service) => ({
    ...service,
    backends: service.backends.map((backend) => ({ ...backend, trialWeight: backend.weight })),
  }));
  return { ...tables, services };
}

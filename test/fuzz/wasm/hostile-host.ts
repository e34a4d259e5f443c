/**
 * A host that fails: any call that the module makes may return any status, before it was served or after. What it says
 * succeeded it has done, for a host that lies about memory can break any module.
 */
import type { HostFunction } from '../../support/pretend-host.ts';
import type { Chance } from '../chance.ts';

/** Highest status of the ABI, and of WASI's errno as far as hosts use it, with some to spare. */
const MOST_STATUS = 13;

export class HostileHost {
  /** Probability with which a call fails. 0: an honest host. */
  failShare = 0;
  failures = 0;
  private readonly chance: Chance;

  constructor(chance: Chance) {
    this.chance = chance;
  }

  /** For the pretend host's `functions`. */
  readonly functions = <Functions extends Record<string, HostFunction>>(functions: Functions): Functions => {
    const wrapped = Object.entries(functions).map(([name, serve]) => [name, this.failing(serve)]);
    return Object.fromEntries(wrapped) as Functions;
  };

  private failing(serve: HostFunction): HostFunction {
    return (...args: never[]) => {
      if (this.failShare === 0 || !this.chance.is(this.failShare)) return serve(...args);
      this.failures += 1;
      if (this.chance.is(0.5)) serve(...args);
      return 1 + this.chance.below(MOST_STATUS);
    };
  }
}

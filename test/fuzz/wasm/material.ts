/** What a filter is fed with: tables and configurations, right and a little wrong, header values, clusters, statuses. */
import { BACKEND_BYTES, MAX_TABLE_BYTES, SERVICE_BYTES, TABLE_HEADER_BYTES } from '../../../agent/wire/layout.ts';
import { encodeView, NO_VIEW, tableMessage, unchangedMessage, type View } from '../../../agent/wire/table.ts';
import type { ServiceTable } from '../../../controller/wire/messages.ts';
import { service } from '../../support/pretend-host-agent.ts';
import type { Chance } from '../chance.ts';

const KEYS = [
  'agent_cluster',
  'agent_authority',
  'workload',
  'namespace',
  'zone',
  'sample_interval_ms',
  'idle_interval_ms',
  'max_clusters',
  'max_table_bytes',
  'max_cluster',
  '',
] as const;
/** One backend, two names of one byte, no entry. */
const SMALLEST_SERVICE_BYTES = SERVICE_BYTES + BACKEND_BYTES + 2;
const LONG = 'x'.repeat(256);
const VERY_LONG = 'y'.repeat(20_000);
const TOO_LONG = 'z'.repeat(1_100_000);
const TEXTS = ['', '0', '200', '503', '-1', '99999999999', '1e3', 'a\0b', '\xff\xfe', '"', LONG, VERY_LONG] as const;

export class Material {
  private readonly chance: Chance;
  private readonly views: readonly View[];
  private inForce: View = NO_VIEW;

  constructor(chance: Chance) {
    this.chance = chance;
    this.views = Array.from({ length: 12 }, (_, i) => encodeView(this.services(), 1 + chance.below(3), i + 1));
  }

  /** A header's value. */
  text(): string {
    return this.chance.is(0.01) ? TOO_LONG : this.chance.of(TEXTS);
  }

  /** A cluster that a request may be routed to. */
  cluster(): string | undefined {
    const { chance } = this;
    if (chance.is(0.5)) return `s${chance.below(8)}${chance.of(['', '-a', '-b', '-c'])}`;
    if (chance.is(0.6)) return `other-${chance.below(300)}`;
    return chance.of([undefined, '', 'x', LONG.slice(1), LONG, VERY_LONG]);
  }

  /** The body of an answer to a table request, or to whatever it is an answer to. */
  table(): Uint8Array {
    const { chance } = this;
    const ttlMs = chance.of([0, 1, 500, 5_000, 60_000, 0xffffffff]);
    if (chance.is(0.1)) return unchangedMessage(this.inForce, ttlMs);
    const view = this.views[chance.below(this.views.length)] ?? NO_VIEW;
    const message = tableMessage(view, ttlMs);
    if (chance.is(0.3)) {
      this.inForce = view;
      return message;
    }
    if (chance.is(0.85)) return chance.mutated(message);
    return chance.is(0.95) ? chance.bytes(chance.below(200)) : Buffer.alloc(1_048_576 + chance.below(3), message);
  }

  /** As many services as a message holds: what is laid out of them takes more room than for any other. */
  largestTable(): Uint8Array {
    const services = Array.from(
      { length: Math.floor((MAX_TABLE_BYTES - TABLE_HEADER_BYTES) / SMALLEST_SERVICE_BYTES) },
      () => ({
        ...service([{ name: 'a', weight: 10_000 }], { service: '', entryClusters: [] }),
        backends: [{ name: 'a', cluster: 'x', weight: 10_000, trialWeight: 10_000 }],
      }),
    );
    return tableMessage(encodeView(services, 1, 1), 60_000);
  }

  /** @param maxClusters the most that it asks for */
  configuration(maxClusters: number): string {
    const { chance } = this;
    if (chance.is(0.05)) return chance.bytes(chance.below(100)).toString('latin1');
    const pairs = Array.from({ length: chance.below(6) }, () => {
      const key = chance.of(KEYS);
      return `${JSON.stringify(key)}: ${key === 'max_clusters' ? chance.below(maxClusters + 1) : this.value()}`;
    });
    const text = `{${pairs.join(', ')}}`;
    // A change of one digit must not ask for more clusters than the life's bound was made for.
    return chance.is(0.7) || text.includes('max_clusters')
      ? text
      : chance.mutated(Buffer.from(text)).toString('latin1');
  }

  private value(): string {
    const { chance } = this;
    if (chance.is(0.4)) return String(chance.u32());
    if (chance.is(0.5)) return JSON.stringify(chance.of(['', 'weir', LONG, LONG.slice(1), 'a b', 'é']));
    return chance.of(['true', 'null', '[]', '{}', '1.0', '-5', '1e9', '"\\u0041"', '"open', ''] as const);
  }

  private services(): ServiceTable[] {
    const { chance } = this;
    return Array.from({ length: chance.below(8) }, (_, i) => {
      const cut = chance.below(10_001);
      const trialCut = chance.below(10_001);
      const backends = [
        { name: 'a', weight: cut, trialWeight: trialCut },
        { name: 'b', weight: 10_000 - cut, trialWeight: 10_000 - trialCut },
        { name: chance.is(0.2) ? LONG.slice(1) : 'c', weight: 0, trialWeight: 0 },
      ];
      const isTried = chance.is(0.5);
      const draw = chance.of(['exact', 'balanced'] as const);
      const trial = { trialId: isTried ? 1 + chance.below(5) : 0, trialShare: isTried ? chance.below(10_001) : 0 };
      return service(backends, { service: `s${i}`, draw, ...trial });
    });
  }
}

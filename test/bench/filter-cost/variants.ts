/**
 * The Envoys that are compared: one per variant, all from the same bootstrap but for the one HTTP filter before the router.
 * Three backends at 50, 30 and 20 %. Where a filter chooses, it is one of three routes that match its header; where none does,
 * the plain route's static weights are the same, so that each variant spreads its requests over the same connections.
 */
import type { RoutedService } from '../../../deploy/local/envoy/bootstrap.ts';
import { type Json, Lab, type Proxy as RunningProxy } from '../../support/lab.ts';
import { routed, tableOf } from '../../support/shop.ts';
import { StandInAgent } from '../../support/stand-in-agent.ts';
import { until } from '../../support/until.ts';
import { luaSource } from './filters.ts';
import { Load } from './load.ts';
import { Origin } from './origin.ts';

export const NONE = 'none';
export const names = [NONE, 'empty', 'lua', 'sdkClasses', 'weir'] as const;
export type VariantName = (typeof names)[number];

/** What each is, for the table. */
export const said: Readonly<Record<VariantName, string>> = {
  none: 'no filter',
  empty: 'an empty wasm filter',
  lua: 'Lua: draws, sets the header, clears the route cache',
  sdkClasses: "the SDK's classes: steers, measures, reports",
  weir: 'Weir: steers, measures, reports',
};

export const weights = { a: 5_000, b: 3_000, c: 2_000 } as const;
type BackendName = keyof typeof weights;
const backendNames = Object.keys(weights) as BackendName[];
const HOST = 'shop';
/** More than are ever in flight at half load; a stall must not be hidden by a lack of connections. */
const CONNECTIONS = 64;
/** Five standard deviations of a share of one half in 3,000 draws. */
const SHARE_SLACK = 0.05;

export interface Variant {
  readonly name: VariantName;
  readonly proxy: RunningProxy;
  readonly load: Load;
  /** Who takes its reports; absent where there are none. */
  readonly agent?: StandInAgent;
}

/** The compiled filters beside Weir's own. */
export type WasmPaths = Readonly<Record<'empty' | 'sdkClasses', string>>;

export class Variants {
  readonly all: Variant[] = [];
  private readonly agents: StandInAgent[] = [];
  private readonly lab: Lab;
  private readonly origins: readonly Origin[];

  private constructor(lab: Lab, origins: readonly Origin[]) {
    this.lab = lab;
    this.origins = origins;
  }

  /** All of them, up and open. @throws Error when one does not start */
  static async start(wasm: WasmPaths, signal: AbortSignal): Promise<Variants> {
    const variants = new Variants(await Lab.open(), await Promise.all(backendNames.map((name) => Origin.start(name))));
    try {
      signal.throwIfAborted();
      variants.all.push(...(await Promise.all(names.map((name) => variants.startOne(name, wasm)))));
      return variants;
    } catch (error) {
      await variants.close();
      throw error;
    }
  }

  /** Processes that are part of the measurement. */
  pids(): readonly number[] {
    return this.lab.children.pids();
  }

  /**
   * Sends so many requests through a variant and looks at what arrived: that it drew by the weights and named what it drew.
   * @throws Error when it did not
   */
  async check(variant: Variant, requests: number, atOnce: number): Promise<void> {
    const before = this.origins.map(({ served, named }) => ({ served, named }));
    await variant.load.closedLoop(requests, atOnce);
    const isSteered = variant.name !== NONE && variant.name !== 'empty';
    for (const [i, { name, served, named }] of this.origins.entries()) {
      const came = served - (before[i]?.served ?? 0);
      const share = weights[name as BackendName] / 10_000;
      if (
        Math.abs(came / requests - share) > SHARE_SLACK ||
        named - (before[i]?.named ?? 0) !== (isSteered ? came : 0)
      ) {
        throw new Error(
          `the variant ${variant.name} does not steer as it should: ${came} of ${requests} went to ${name}`,
        );
      }
    }
  }

  /**
   * Waits for the last reports.
   * @returns how many came. @throws Error when a variant that measures told of more or fewer calls than were made
   */
  async checkReports(): Promise<number> {
    let reports = 0;
    for (const { name, agent, load } of this.all) {
      if (!agent) continue;
      const { tally } = agent;
      const isTold = () => tally.calls() >= load.answered && tally.count('steeredCalls') >= load.answered;
      await until(`the variant ${name} to report each of its ${load.answered} calls`, isTold);
      if (tally.calls() !== load.answered || agent.refused > 0) {
        throw new Error(`the variant ${name} reported ${tally.calls()} calls of ${load.answered}`);
      }
      reports += tally.taken.length;
    }
    return reports;
  }

  /** Children that ended by themselves. */
  died(): readonly string[] {
    return this.lab.died;
  }

  async close(): Promise<void> {
    for (const { load } of this.all) load.close();
    for (const origin of this.origins) origin.close();
    await Promise.all(this.agents.map((agent) => agent.close()));
    await this.lab.close();
  }

  private async startOne(name: VariantName, wasm: WasmPaths): Promise<Variant> {
    const service = this.service();
    const services = [service];
    const open = async (proxy: RunningProxy) => ({ name, proxy, load: await Load.open(proxy.port, HOST, CONNECTIONS) });
    if (name === NONE) return open(await this.lab.proxy({ services }));
    if (name === 'lua') return open(await this.lab.proxy({ services, change: putLua }));
    // The empty one asks no agent.
    if (name === 'empty') return open(await this.lab.proxy({ services, agentPort: 1, wasmPath: wasm.empty }));
    const agent = await StandInAgent.start();
    this.agents.push(agent);
    const proxy = await this.lab.proxy({
      services,
      agentPort: agent.port,
      // All defaults: a report each second.
      configuration: {},
      ...(name === 'weir' ? {} : { wasmPath: wasm.sdkClasses }),
    });
    if (name === 'weir') {
      agent.deliver([tableOf(service, weights, { draw: 'balanced' })]);
      // One VM of the worker, one of the main thread.
      await until('the filter to have its table', () => agent.upToDate() === 2);
    }
    return { ...(await open(proxy)), agent };
  }

  private service(): RoutedService {
    const ports = Object.fromEntries(this.origins.map(({ name, port }) => [name, port]));
    const service = routed(HOST, ports);
    const backends = service.backends.map((backend) => ({ ...backend, weight: weights[backend.name as BackendName] }));
    return { ...service, backends };
  }
}

/** Puts Envoy's Lua filter before the router. */
function putLua(bootstrap: Json): void {
  const { listeners } = bootstrap.static_resources as { listeners: { filter_chains: Chain[] }[] };
  for (const listener of listeners) {
    for (const { filters } of listener.filter_chains) {
      for (const { typed_config: config } of filters) config.http_filters.unshift(luaFilter());
    }
  }
}

interface Chain {
  readonly filters: { readonly typed_config: { readonly http_filters: Json[] } }[];
}

function luaFilter(): Json {
  return {
    name: 'lua',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua',
      default_source_code: { inline_string: luaSource() },
      // The script clears it by itself; without this Envoy would do so a second time.
      clear_route_cache: false,
    },
  };
}

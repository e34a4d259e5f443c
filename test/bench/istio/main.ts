/**
 * `npm run bench:istio`: what Weir is beside a real istiod. The composition root.
 * Exit code 0: reported; 1: something could not run; 3: not reported because the machine was too busy.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { milliseconds, percent, quantile } from '../../../deploy/local/show/figures.ts';
import { eventually } from '../../istio/eventually.ts';
import { EXIT_INTERRUPTED, integer, runCommand, say, stoppedBySignal } from '../../support/command-line.ts';
import { seeded } from '../../support/random.ts';
import { foreignRatio, machineDoubts, readMachine } from '../measure/machine.ts';
import { figuresOf } from '../propagation/arrival.ts';
import { hostOf, Mesh, PORT } from './mesh.ts';
import { type Moves, measureMoves, PATCHED, patchedObjects, STEERED, steeredRoute, type Way } from './moves.ts';
import { type Held, measureSidecars } from './sidecars.ts';

const EXIT_BUSY = 3;
const USAGE = `npm run bench:istio -- [--rounds N] [--proxies N] [--services N] [--json FILE]

  Beside a real istiod: (1) how long a move of weights takes until every proxy follows, by Weir's tables and by patching a
  VirtualService, in turn; (2) what one Envoy holds with all services and with a Sidecar for what its workload calls.

  --rounds N    moves of each that count; 60, which take two minutes
  --proxies N   Envoys; 20
  --services N  services there are for (2); 200
  --json FILE   all figures`;

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      rounds: { type: 'string', default: '60' },
      proxies: { type: 'string', default: '20' },
      services: { type: 'string', default: '200' },
      json: { type: 'string' },
    },
  });
  if (values.help) {
    say(USAGE);
    return 0;
  }
  const rounds = integer('--rounds', values.rounds, 1, 10_000);
  const proxies = integer('--proxies', values.proxies, 1, 200);
  const services = integer('--services', values.services, 1, 2_000);
  const { signal } = stoppedBySignal();
  say(`starting an API server, istiod, a controller, an agent and ${proxies} Envoys`);
  const mesh = await Mesh.open([STEERED, PATCHED]);
  try {
    mesh.cluster.apply(...patchedObjects(), steeredRoute());
    for (let i = 1; i <= proxies; i += 1) await mesh.proxy(`web-${i}`, STEERED);
    await steeredEverywhere(mesh);
    const before = readMachine();
    const onRound = (done: number) => {
      if (done % 10 === 0) say(`  ${done} of ${rounds} rounds`);
    };
    const token = mesh.weir.operatorToken();
    const moves = await measureMoves(mesh, { rounds, token, random: seeded(1), signal, onRound });
    const foreign = foreignRatio(before, readMachine());
    say('measuring what an Envoy holds');
    const held = await measureSidecars(mesh, services, STEERED);
    return report(moves, held, foreign, { services, ...(values.json !== undefined && { json: values.json }) });
  } catch (error) {
    if (!signal.aborted) throw error;
    say('stopped');
    return EXIT_INTERRUPTED;
  } finally {
    await mesh.close();
  }
}

async function steeredEverywhere({ proxies }: Mesh): Promise<void> {
  for (const proxy of proxies) {
    await eventually('a proxy to steer', async () => {
      await proxy.call(hostOf(STEERED), PORT);
      return (await proxy.admin('/config_dump?resource=dynamic_route_configs')).includes('weir-plain');
    });
  }
}

function report(
  { records, lagsMs }: Moves,
  held: { readonly without: Held; readonly with: Held },
  foreign: number | null,
  { services, json }: { readonly services: number; readonly json?: string },
): number {
  // A late probe makes a time longer, never shorter: it is said beside the times, and is no reason to report none.
  const lagP99Ms = (way: Way) =>
    quantile(
      [...lagsMs[way]].sort((a, b) => a - b),
      0.99,
    );
  const trust = { lagP50Ms: undefined, lagP99Ms: undefined, lagMaxMs: undefined, busyRatio: undefined };
  const refused = machineDoubts({ ...trust, foreignRatio: foreign }, 'istio');
  if (refused.length > 0) {
    say(`not reported, the machine was too busy to trust:\n  ${refused.join('\n  ')}`);
    return EXIT_BUSY;
  }
  const figures = { steered: figuresOf(records.steered), patched: figuresOf(records.patched) };
  const everywhere = (way: Way) =>
    records[way].map(({ arrivals }) => Math.max(...arrivals.map(({ inForceMs }) => inForceMs)));
  const patched = everywhere('patched');
  const ratios = everywhere('steered')
    .map((ms, i) => (patched[i] ?? Number.NaN) / ms)
    .sort((a, b) => a - b);
  const ratio = { median: quantile(ratios, 0.5), least: ratios[0], most: ratios.at(-1) };
  const row = (name: string, way: Way) => {
    const { p50Ms, p99Ms, maxMs } = figures[way].everywhere;
    return `  ${name.padEnd(36)}${[p50Ms, p99Ms, maxMs].map((ms) => milliseconds(ms).padStart(10)).join('')}`;
  };
  say(`\n${figures.steered.decisions} moves of each, ${figures.steered.envoys} Envoys, until every one follows:`);
  say(`  ${''.padEnd(36)}${['p50', 'p99', 'most'].map((name) => name.padStart(10)).join('')}`);
  say(row("Weir's tables", 'steered'));
  say(row('a VirtualService patched, by istiod', 'patched'));
  const times = (value: number | undefined) => (value ?? Number.NaN).toFixed(1);
  say(
    `  istiod takes ${times(ratio.median)} times as long (${times(ratio.least)} to ${times(ratio.most)}, round by round)`,
  );
  say(
    `  probes p99 ${milliseconds(lagP99Ms('steered'))} and ${milliseconds(lagP99Ms('patched'))} late; machine ${percent(foreign ?? undefined)} taken by others`,
  );
  const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  const line = (name: string, { configBytes, rssBytes, clusters }: Held) =>
    say(
      `  ${name.padEnd(36)}${mib(configBytes).padStart(10)}${mib(rssBytes).padStart(12)}${String(clusters).padStart(10)}`,
    );
  say(`\none Envoy in a mesh of ${services} more services:`);
  say(`  ${''.padEnd(36)}${'config'.padStart(10)}${'resident'.padStart(12)}${'clusters'.padStart(10)}`);
  line('all of them', held.without);
  line('a Sidecar for what is called', held.with);
  if (json !== undefined) {
    writeFileSync(
      json,
      `${JSON.stringify({ figures, ratio, held, services, foreignRatio: foreign, lagP99Ms: { steered: lagP99Ms('steered'), patched: lagP99Ms('patched') } }, null, 2)}\n`,
    );
    say(`all figures: ${json}`);
  }
  return 0;
}

runCommand(main);

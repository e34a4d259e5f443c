/**
 * The controller's two doors: agents' WebSocket and the HTTP API, with idle and slow connections beside. Then it must be
 * alive and well, as large as it was, and have counted every frame.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DoorFigures, DoorOptions } from '../agent/fuzz-agent.ts';
import { Chance } from '../chance.ts';
import { Lingerers } from '../lingerers.ts';
import { checkFlat, Process, sumOf } from '../process.ts';
import { ApiCaller } from './api-caller.ts';
import { HostileAgent } from './hostile-agent.ts';

const AGENTS = 6;
/** Part of the frames that are requests to the API. */
const API_PART = 0.1;
const WARM_PART = 0.3;
/** What 20,000 edges of the graph and what waits in sockets may take, and garbage not yet collected. */
const SPARE_BYTES = 128 * 1_048_576;

const ROUTES = `apiVersion: weir.dev/v1alpha1
kind: AdaptiveRoute
metadata: { name: search, namespace: demo }
spec:
  host: search.demo
  port: 8080
  backends: [{ name: v1, cluster: search-v1 }, { name: v2, cluster: search-v2 }]
`;

/** @throws an error with the seed and step of what does not hold */
export async function fuzzController(options: DoorOptions): Promise<DoorFigures> {
  const { frames, seed, idleConnections, slowConnections } = options;
  const controller = await Process.start({
    main: join('controller', 'main.js'),
    env: (folder) => {
      writeFileSync(join(folder, 'search.yaml'), ROUTES);
      return {
        WEIR_CONTROLLER_LISTEN: '127.0.0.1:0',
        WEIR_CONTROLLER_ROUTES: join(folder, 'search.yaml'),
        WEIR_CONTROLLER_DB: ':memory:',
      };
    },
    portIn: (line) => (line.event === 'listening' ? Number(new URL(String(line.url)).port) : undefined),
  });
  const lingerers = new Lingerers(controller.port, { idle: idleConnections, slow: slowConnections });
  const apiFrames = Math.ceil(frames * API_PART);
  const agents = Array.from(
    { length: AGENTS },
    (_, i) => new HostileAgent(controller.port, new Chance(seed + i), `fuzz-${i}`),
  );
  const api = new ApiCaller(controller.port, new Chance(seed + AGENTS));
  const sent = () => agents.reduce((sum, agent) => sum + agent.counts.frames, 0);
  const send = (upTo: number) => Promise.all(agents.map((agent) => agent.play(() => sent() >= upTo)));
  try {
    await send(Math.ceil((frames - apiFrames) * WARM_PART));
    await api.call(Math.ceil(apiFrames * WARM_PART));
    const warmRssBytes = controller.rssBytes();
    await Promise.all([send(frames - apiFrames), api.call(apiFrames)]);
    const endRssBytes = controller.rssBytes();
    await controller.checkHealth();
    checkFlat(warmRssBytes, endRssBytes, SPARE_BYTES);
    const metrics = await controller.metrics();
    const expected = agents.reduce(
      (sum, { counts }) => add(sum, counts),
      new HostileAgent(0, new Chance(0), '').counts,
    );
    check('reports counted', sumOf(metrics, 'weir_controller_reports_total'), expected.reports);
    check('stale reports counted', sumOf(metrics, 'weir_controller_reports_stale_total'), expected.stale);
    check('bad frames counted', sumOf(metrics, 'weir_controller_bad_frames_total'), expected.bad);
    check('faults', sumOf(metrics, 'weir_controller_faults_total'), 0);
    return {
      frames: expected.frames + api.calls,
      taken: expected.reports + expected.stale + expected.other,
      refused: expected.bad,
      warmRssBytes,
      endRssBytes,
      reports: expected.reports,
      staleReports: expected.stale,
      connections: expected.connections,
      apiCalls: api.calls,
      apiRefused: api.refused,
    };
  } catch (cause) {
    const again = `npm run fuzz -- --only controller --frames ${frames} --seed ${seed}`;
    const words = controller.isAlive ? '' : `; it died, its last words:\n${controller.lastOutput}\n`;
    throw new Error(`the controller's door failed with seed ${seed}; again: ${again}${words}`, { cause });
  } finally {
    lingerers.end();
    for (const agent of agents) agent.end();
    await controller.end();
  }
}

function add<Counts extends Record<string, number>>(a: Counts, b: Counts): Counts {
  return Object.fromEntries(Object.entries(a).map(([name, count]) => [name, count + (b[name] ?? 0)])) as Counts;
}

function check(what: string, counted: number, expected: number): void {
  if (counted !== expected) throw new Error(`${what}: ${counted}, expected were ${expected}`);
}

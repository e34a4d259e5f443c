/** `weir graph`: who calls whom in the whole mesh, steered or not; and what is configured to be called and is not. */
import { Command } from 'commander';
import type { GraphReading } from '../../controller.ts';
import type { ConfiguredReading } from '../../graph/configured.ts';
import { Client, type ClientOptions, withClientOptions } from '../client.ts';
import { figure, inPercent, print, printJson, tableText } from '../text.ts';

const COLUMNS = [
  'caller',
  'zone',
  'cluster',
  'service',
  'backend',
  'requests/s',
  'errors %',
  'p50 ms',
  'p99 ms',
  'in flight',
  'configured',
];
const UNCALLED = ['cluster', 'service', 'backend', 'configured by', 'host called last'];

export function graphCommand(): Command {
  return withClientOptions(new Command('graph'))
    .description('who calls whom, with rate, errors and latency')
    .option('--uncalled', 'what is configured and was not called in the last ten minutes', false)
    .option('--json', 'as JSON, with forecasts', false)
    .addHelpText('after', '\nExamples:\n  weir graph\n  weir graph --uncalled\n  weir graph --json')
    .action(async (options: ClientOptions & { json: boolean; uncalled: boolean }) => {
      const client = new Client(options);
      if (options.uncalled) {
        const { clusters } = await client.get<ConfiguredReading>('/v1/configured');
        const uncalled = clusters.filter(({ isSeen }) => !isSeen);
        if (options.json) printJson(uncalled);
        else
          print(
            uncalled.length === 0
              ? 'every configured cluster is called'
              : tableText(UNCALLED, uncalled.map(uncalledRow)),
          );
        return;
      }
      const graph = await client.get<GraphReading>('/v1/graph');
      if (options.json) printJson(graph);
      else print(graph.edges.length === 0 ? 'no call was measured yet' : tableText(COLUMNS, graph.edges.map(rowOf)));
    });
}

function rowOf(edge: GraphReading['edges'][number]): string[] {
  const { namespace, workload, zone } = edge.caller;
  return [
    namespace === '' ? workload : `${namespace}/${workload}`,
    zone,
    edge.cluster,
    edge.service ?? '',
    edge.backend ?? '',
    figure(edge.loadRps),
    inPercent(edge.errorRatio),
    figure(edge.p50Ms),
    figure(edge.p99Ms),
    figure(edge.inFlight),
    edge.isConfigured === undefined ? '' : edge.isConfigured ? 'yes' : 'no',
  ];
}

function uncalledRow({ cluster, service, backend = '', by, seenMs }: ConfiguredReading['clusters'][number]): string[] {
  const last = seenMs === null ? 'not in 45 days' : new Date(seenMs).toISOString().slice(0, 16);
  return [cluster, service, backend, by, last];
}

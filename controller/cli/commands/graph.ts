/** `weir graph`: who calls whom in the whole mesh, steered or not. */
import { Command } from 'commander';
import type { GraphReading } from '../../controller.ts';
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
];

export function graphCommand(): Command {
  return withClientOptions(new Command('graph'))
    .description('who calls whom, with rate, errors and latency')
    .option('--json', 'as JSON, with forecasts', false)
    .addHelpText('after', '\nExamples:\n  weir graph\n  weir graph --json')
    .action(async (options: ClientOptions & { json: boolean }) => {
      const graph = await new Client(options).get<GraphReading>('/v1/graph');
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
  ];
}

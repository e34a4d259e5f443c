/** `weir status`: each service and caller group with its weights, figures, and whatever holds or tries them. */
import { Command } from 'commander';
import type { ServiceStatus } from '../../steer/status.ts';
import { Client, type ClientOptions, withClientOptions } from '../client.ts';
import { figure, inPercent, print, printJson, tableText } from '../text.ts';

const COLUMNS = [
  'service',
  'from',
  'backend',
  'share %',
  'requests/s',
  'errors %',
  'p50 ms',
  'p99 ms',
  'in flight',
  'state',
];

export function statusCommand(): Command {
  return withClientOptions(new Command('status'))
    .description('weights and figures of each steered service')
    .argument('[service]', 'only this host:port')
    .option('--json', 'as JSON', false)
    .addHelpText('after', '\nExamples:\n  weir status\n  weir status payments:8080 --json')
    .action(async (service: string | undefined, options: ClientOptions & { json: boolean }) => {
      const answer = await new Client(options).get<{ services: ServiceStatus[] }>('/v1/services');
      const services = answer.services.filter((each) => service === undefined || each.service === service);
      if (options.json) printJson(services);
      else print(services.length === 0 ? noneOf(service) : tableText(COLUMNS, services.flatMap(rowsOf)));
    });
}

function noneOf(service: string | undefined): string {
  return service === undefined
    ? 'no service is steered'
    : `no route is for ${service}; weir status without it lists all`;
}

/** One row per backend; what is true of all stands in the first. */
export function rowsOf(status: ServiceStatus): string[][] {
  return status.backends.map((backend, index) => [
    index === 0 ? status.service : '',
    index === 0 ? (status.group === '*' ? 'all others' : status.group) : '',
    backend.name,
    inPercent(backend.weight / 10_000),
    figure(backend.loadRps),
    inPercent(backend.errorRatio),
    figure(backend.p50Ms),
    figure(backend.p99Ms),
    figure(backend.inFlight),
    [...(index === 0 ? stateOf(status) : []), ...(status.relieved.includes(backend.name) ? ['relieved'] : [])].join(
      ', ',
    ),
  ]);
}

function stateOf({ mode, frozen, pinned, trial }: ServiceStatus): string[] {
  return [
    ...(mode === 'enforce' ? [] : [`${mode} only`]),
    ...(frozen === null ? [] : ['frozen']),
    ...(pinned === null ? [] : [`pinned by ${pinned.by}`]),
    ...(trial === null ? [] : [`trial ${trial.stage}/${trial.stages}`]),
  ];
}

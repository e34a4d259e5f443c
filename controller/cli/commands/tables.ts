/** `weir tables`: the weights as agents get them, trial arm included. */
import { Command } from 'commander';
import type { Tables } from '../../wire/messages.ts';
import { Client, type ClientOptions, withClientOptions } from '../client.ts';
import { inPercent, print, printJson, tableText } from '../text.ts';

const COLUMNS = ['service', 'from', 'draw', 'backend', 'cluster', 'share %', 'trial %', 'tried by %'];

export function tablesCommand(): Command {
  return withClientOptions(new Command('tables'))
    .description('the tables in force, as agents get them')
    .option('--json', 'as JSON', false)
    .addHelpText('after', '\nExamples:\n  weir tables\n  weir tables --json')
    .action(async (options: ClientOptions & { json: boolean }) => {
      const tables = await new Client(options).get<Tables>('/v1/tables');
      if (options.json) printJson(tables);
      else print(`tables ${tables.epoch}.${tables.number}\n${tableText(COLUMNS, tables.services.flatMap(rowsOf))}`);
    });
}

function rowsOf({ service, group, draw, trialId, trialShare, backends }: Tables['services'][number]): string[][] {
  return backends.map((backend, index) => [
    index === 0 ? service : '',
    index === 0 ? (group === '*' ? 'all others' : group) : '',
    index === 0 ? draw : '',
    backend.name,
    backend.cluster,
    inPercent(backend.weight / 10_000),
    trialId === 0 ? '' : inPercent(backend.trialWeight / 10_000),
    trialId === 0 || index > 0 ? '' : inPercent(trialShare / 10_000),
  ]);
}

/** `weir decisions`: what was decided and why, as sentences, newest last like a log. */
import { Command, InvalidArgumentError } from 'commander';
import type { Decision } from '../../decision.ts';
import { sentenceOf } from '../../sentence.ts';
import { Client, type ClientOptions, withClientOptions } from '../client.ts';
import { print } from '../text.ts';

const FOLLOW_MS = 1_000;
const MAX_LIMIT = 1_000;

interface Options extends ClientOptions {
  readonly service?: string;
  readonly limit: number;
  readonly follow: boolean;
  readonly json: boolean;
}

export function decisionsCommand(): Command {
  return withClientOptions(new Command('decisions'))
    .description('what was decided and why')
    .option('--service <host:port>', 'only those of this service')
    .option('--limit <count>', `how many, 1 to ${MAX_LIMIT}`, count, 20)
    .option('--follow', 'go on with what is decided from now on', false)
    .option('--json', 'as JSON, one decision a line, with evidence', false)
    .addHelpText('after', '\nExamples:\n  weir decisions --service payments:8080 --limit 5\n  weir decisions --follow')
    .action(async (options: Options) => {
      const client = new Client(options);
      let last = show(await read(client, options), 0, options);
      while (options.follow) {
        await new Promise((resolve) => setTimeout(resolve, FOLLOW_MS));
        last = show(await read(client, { ...options, limit: MAX_LIMIT }), last, options);
      }
    });
}

async function read(client: Client, { service, limit }: Options): Promise<readonly Decision[]> {
  const query = new URLSearchParams({ limit: String(limit), ...(service === undefined ? {} : { service }) });
  return (await client.get<{ decisions: Decision[] }>(`/v1/decisions?${query}`)).decisions;
}

/** Shows what is newer than `last`, oldest first. @returns the newest id shown */
function show(decisions: readonly Decision[], last: number, options: Options): number {
  const fresh = decisions.filter((decision) => decision.id > last).reverse();
  for (const decision of fresh) {
    if (options.json) print(JSON.stringify(decision));
    else print(`${new Date(decision.atMs).toISOString()}  ${sentenceOf(decision)}`);
  }
  if (fresh.length === 0 && last === 0 && !options.follow && !options.json) print('nothing was decided yet');
  return fresh.at(-1)?.id ?? last;
}

function count(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= MAX_LIMIT) return value;
  throw new InvalidArgumentError(`It must be an integer from 1 to ${MAX_LIMIT}.`);
}

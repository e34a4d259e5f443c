/** What freeze, unfreeze, pin, unpin and revert have in common: who, why, and the decisions that came of it. */
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { Decision } from '../decision.ts';
import { sentenceOf } from '../sentence.ts';
import { Client, type ClientOptions, withClientOptions } from './client.ts';
import { print } from './text.ts';

export interface ChangeOptions extends ClientOptions {
  readonly by: string;
  readonly why?: string;
}

export interface GroupOptions {
  readonly group: string;
}

export function withChangeOptions(command: Command): Command {
  return withClientOptions(command)
    .option('--by <name>', 'who wants it; written into the log', nameOfUser())
    .option('--why <reason>', 'the reason; written into the log');
}

export function withGroup(command: Command): Command {
  return command.option('--group <zone>', "caller group; '*': all", '*');
}

/** Asks for the change and shows the decisions that it led to. */
export async function change(step: string, body: object, options: ChangeOptions): Promise<void> {
  const { by, why } = options;
  const asked = { ...body, by, ...(why === undefined ? {} : { why }) };
  const { decisions } = await new Client(options).post<{ decisions: Decision[] }>(`/v1/${step}`, asked);
  print(decisions.length === 0 ? 'nothing to change' : decisions.map(sentenceOf).join('\n'));
}

function nameOfUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user that has no name.
    return 'weir command';
  }
}

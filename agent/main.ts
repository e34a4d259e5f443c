/** The agent's composition root and its command: `node dist/agent/main.js` with variables, or `weir agent` with options. */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { Agent } from './agent.ts';
import { systemClock } from './clock.ts';
import { PREFIX, parseConfig, SETTINGS } from './config.ts';
import { BadConfig } from './errors.ts';
import { createLog } from './log.ts';
import { readRelease } from './release.ts';

const EXAMPLE = `
An option wins over its variable.

Example:
  weir agent --listen 127.0.0.1:15990 --controller ws://weir-controller:15900/v1/agents --zone eu-west-1a`;

/** `weir agent`. Its action ends when the agent has stopped; a wrong value is a BadConfig. */
export function agentCommand(release: string): Command {
  const command = new Command('agent')
    .description(
      'Run the agent of this node: it adds up what filters measure, forecasts, and hands them their weights.',
    )
    .showSuggestionAfterError()
    .addHelpText('after', EXAMPLE);
  for (const { name, flags, text, fallback, fallbackText } of SETTINGS) {
    const shown = fallbackText ?? (fallback === '' ? 'none' : fallback);
    command.option(flags, `${text}; ${shown} [${PREFIX}${name}]`);
  }
  return command.action(async () => {
    const given: Record<string, string> = {};
    for (const [index, { name }] of SETTINGS.entries()) {
      const value: unknown = command.getOptionValue(command.options[index]?.attributeName() ?? '');
      if (typeof value === 'string') given[name] = value;
    }
    await run(release, given);
  });
}

async function run(release: string, options: Readonly<Record<string, string>>): Promise<void> {
  const config = parseConfig(process.env, options);
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  const log = createLog(config.logLevel, { process: 'agent', node: config.node });
  const agent = new Agent({ config, clock: systemClock, random: Math.random, log, release });
  try {
    await agent.start();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    await agent.close();
    if (code !== 'EADDRINUSE' && code !== 'EADDRNOTAVAIL' && code !== 'EACCES' && code !== 'ENOTFOUND') throw error;
    throw new BadConfig(`${PREFIX}LISTEN is ${config.host}:${config.port}, where nobody can listen: ${message}`);
  }
  await stopped;
  await agent.close();
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  agentCommand(readRelease())
    .parseAsync()
    .catch((error: unknown) => {
      // What an operator got wrong is one sentence; anything else is ours, with its stack.
      process.stderr.write(`${error instanceof BadConfig ? error.message : String((error as Error).stack)}\n`);
      process.exitCode = 1;
    });
}

/** `weir controller`: the controller as this process. Each option stands for an environment variable and wins over it. */
import { Command } from 'commander';
import { VARIABLES } from '../../config.ts';

const PREFIX = 'WEIR_CONTROLLER_';

export function controllerCommand(): Command {
  const command = new Command('controller').description('run the controller').addHelpText(
    'after',
    `
SIGHUP reads the routes again, as does a change of their files; SIGTERM stops.

Example:
  weir controller --routes routes/ --db weir.db --listen 127.0.0.1:15900`,
  );
  for (const [variable, description] of Object.entries(VARIABLES)) {
    const [what, fallback] = description.split(/; (?=[^;]*$)/);
    command.option(`${flagOf(variable)} <value>`, `${what} (${fallback}; env: ${variable})`);
  }
  return command.action(async (options: Record<string, string>) => {
    const given = Object.keys(VARIABLES).flatMap((variable) => {
      const value = options[keyOf(variable)];
      return value === undefined ? [] : [[variable, value]];
    });
    const { main } = await import('../../main.ts');
    await main({ ...process.env, ...Object.fromEntries(given) });
  });
}

/** WEIR_CONTROLLER_TABLE_TTL_MS: --table-ttl-ms */
function flagOf(variable: string): string {
  return `--${variable.slice(PREFIX.length).toLowerCase().replaceAll('_', '-')}`;
}

/** WEIR_CONTROLLER_TABLE_TTL_MS: tableTtlMs, as commander names it */
function keyOf(variable: string): string {
  return flagOf(variable)
    .slice(2)
    .replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

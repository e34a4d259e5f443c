/** `weir revert`: a person who disagrees with the last change. */
import { Command } from 'commander';
import { type ChangeOptions, change, type GroupOptions, withChangeOptions, withGroup } from '../change.ts';

export function revertCommand(): Command {
  return withGroup(withChangeOptions(new Command('revert')))
    .description('end a running trial, or go back to the weights before the last change')
    .argument('<service>', "host:port, or '*' for every service")
    .addHelpText('after', '\nExamples:\n  weir revert payments:8080\n  weir revert payments:8080 --group zone-a')
    .action((service: string, options: ChangeOptions & GroupOptions) =>
      change('revert', { service, group: options.group }, options),
    );
}

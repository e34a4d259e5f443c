/** `weir freeze` and `weir unfreeze`: nothing moves, relief included, until a person says so. */
import { Command } from 'commander';
import { type ChangeOptions, change, withChangeOptions } from '../change.ts';

export function freezeCommand(): Command {
  return withChangeOptions(new Command('freeze'))
    .description('keep the weights of a service as they are, relief included')
    .argument('<service>', "host:port, or '*' for every service")
    .addHelpText(
      'after',
      "\nExamples:\n  weir freeze payments:8080 --why 'audit until Friday'\n  weir freeze '*' --why incident",
    )
    .action((service: string, options: ChangeOptions) => change('freeze', { service }, options));
}

export function unfreezeCommand(): Command {
  return withChangeOptions(new Command('unfreeze'))
    .description('let Weir steer a service again')
    .argument('<service>', "host:port, or '*' for what was frozen as a whole")
    .addHelpText('after', '\nExample:\n  weir unfreeze payments:8080')
    .action((service: string, options: ChangeOptions) => change('unfreeze', { service }, options));
}

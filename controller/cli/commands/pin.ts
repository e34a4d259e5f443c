/** `weir pin` and `weir unpin`: weights that a person sets, in force until unpinned. */
import { Command } from 'commander';
import { type ChangeOptions, change, type GroupOptions, withChangeOptions, withGroup } from '../change.ts';
import { parseShares } from '../shares.ts';

export function pinCommand(): Command {
  return withGroup(withChangeOptions(new Command('pin')))
    .description('set the weights of a service and keep them until unpinned')
    .argument('<service>', 'host:port')
    .argument('<shares...>', 'backend=share, shares as 0.9 or 90%; each backend once, together 1')
    .addHelpText(
      'after',
      '\nExamples:\n  weir pin payments:8080 v1=0.9 v2=0.1\n  weir pin payments:8080 v1=100% v2=0% --group zone-a --why rollback',
    )
    .action((service: string, shares: string[], options: ChangeOptions & GroupOptions) =>
      change('pin', { service, group: options.group, weights: parseShares(shares) }, options),
    );
}

export function unpinCommand(): Command {
  return withGroup(withChangeOptions(new Command('unpin')))
    .description('let Weir move pinned weights again, from where they are')
    .argument('<service>', 'host:port')
    .addHelpText('after', '\nExample:\n  weir unpin payments:8080')
    .action((service: string, options: ChangeOptions & GroupOptions) =>
      change('unpin', { service, group: options.group }, options),
    );
}

/** `weir withdraw`: takes away all that Weir has put into a cluster, for whoever uninstalls it. AdaptiveRoutes stay. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { CommandError } from '../client.ts';
import { print } from '../text.ts';

export function withdrawCommand(): Command {
  return new Command('withdraw')
    .description('take away the WasmPlugins, VirtualServices and DestinationRules that Weir has made in a cluster')
    .option('--namespace <name>', 'in this namespace alone (default: in all)')
    .option('--yes', 'without this nothing is taken away, only named', false)
    .addHelpText('after', '\nExamples:\n  weir withdraw          what would go\n  weir withdraw --yes')
    .action(async ({ namespace, yes }: { namespace?: string; yes: boolean }) => {
      const { CustomObjectsApi } = await import('@kubernetes/client-node');
      const { findApiServer, sayFailure } = await import('../../intake/api-server.ts');
      const { everythingOfOurs } = await import('../../publish/kubernetes.ts');
      const { Objects } = await import('../../publish/objects.ts');
      const { LET_GO_MS } = await import('../../publish/publisher.ts');
      const objects = new Objects(findApiServer().makeApiClient(CustomObjectsApi));
      try {
        const all = await everythingOfOurs(objects, namespace);
        if (all.length === 0) print('there is nothing of Weir in the cluster');
        let isWaited = false;
        for (const [i, { name, isNamedByOthers, remove }] of all.entries()) {
          if (!yes) {
            print(`would go: ${name}`);
            continue;
          }
          if (isNamedByOthers && i > 0 && !isWaited) {
            print(`waiting ${LET_GO_MS / 1_000} s until no proxy names what goes next`);
            await sleep(LET_GO_MS);
            isWaited = true;
          }
          await remove();
          print(`gone: ${name}`);
        }
      } catch (error) {
        throw new CommandError(sayFailure(error, "Istio's objects"));
      }
    });
}

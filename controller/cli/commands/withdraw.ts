/** `weir withdraw`: takes away all that Weir has put into a cluster, for whoever uninstalls it. AdaptiveRoutes stay. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { CommandError } from '../client.ts';
import { print } from '../text.ts';

/** Whether pods have ended. */
const LOOK_EVERY_MS = 500;

interface Options {
  readonly namespace?: string;
  readonly stop?: string;
  readonly yes: boolean;
}

export function withdrawCommand(): Command {
  return new Command('withdraw')
    .description('take away the WasmPlugins, VirtualServices and DestinationRules that Weir has made in a cluster')
    .option('--namespace <name>', 'in this namespace alone (default: in all)')
    .option(
      '--stop <namespace/name>',
      'first stop the controllers of this Deployment: one that runs writes anew what goes',
    )
    .option('--yes', 'without this nothing is taken away, only named', false)
    .addHelpText(
      'after',
      '\nExamples:\n  weir withdraw          what would go\n  weir withdraw --yes --stop weir-system/weir-controller',
    )
    .action(async ({ namespace, stop, yes }: Options) => {
      if (stop !== undefined) await stopControllers(stop, yes);
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

/** @throws CommandError */
async function stopControllers(deployment: string, isMeant: boolean): Promise<void> {
  const [namespace, name, ...more] = deployment.split('/');
  if (!namespace || !name || more.length > 0) {
    throw new CommandError(
      `--stop is ${deployment}; it must be NAMESPACE/NAME, for example weir-system/weir-controller`,
    );
  }
  if (!isMeant) return print(`would stop: Deployment ${deployment}`);
  const { AppsV1Api, CoordinationV1Api, CoreV1Api } = await import('@kubernetes/client-node');
  const { findApiServer, sayFailure } = await import('../../intake/api-server.ts');
  const { retire, StillRunning } = await import('../../publish/retire.ts');
  const kubeConfig = findApiServer();
  try {
    await retire({
      ...{ namespace, name },
      apps: kubeConfig.makeApiClient(AppsV1Api),
      core: kubeConfig.makeApiClient(CoreV1Api),
      coordination: kubeConfig.makeApiClient(CoordinationV1Api),
      nowMs: () => performance.now(),
      pause: () => sleep(LOOK_EVERY_MS),
    });
  } catch (error) {
    if (error instanceof StillRunning) throw error;
    throw new CommandError(sayFailure(error, 'Deployments, pods or Leases'));
  }
  print(`stopped: Deployment ${deployment}`);
}

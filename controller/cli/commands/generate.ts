/** `weir generate` and `weir diff`: what a mesh needs to know, for people to review and tools to apply, and what it would change. */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { CommandError } from '../client.ts';
import { writeEnvoyFiles } from '../envoy-files.ts';
import { DEFAULT_LEARN_DAYS, type Gathering, gather, IN_CLUSTER_URL } from '../gather.ts';
import { print } from '../text.ts';

/** As `diff` and `kubectl diff` have it. */
const EXIT_DIFFERENT = 1;

interface Generating extends Gathering {
  readonly output?: string;
  readonly envoy: boolean;
  readonly module?: string;
}

export function generateCommand(): Command {
  return gathering('generate')
    .description(
      'write what steering needs: VirtualServices and DestinationRules, ScaledObjects, Sidecars; or files for plain Envoys',
    )
    .option('-o, --output <folder>', 'where to write a file for each (default: print them)')
    .addOption(
      new Option('--envoy', 'for Envoys without Istio: files that they watch, with routes and the filter')
        .default(false)
        .conflicts(['sidecars']),
    )
    .option('--module <path>', 'with --envoy: the compiled filter, where Envoy runs (default: that of this release)')
    .addHelpText(
      'after',
      `
Examples:
  weir generate --from routes/ -o manifests/
  weir generate --from http://127.0.0.1:15900 --sidecars --allow 'monitoring/*' -o manifests/
  weir generate --from http://127.0.0.1:15900 --envoy -o /etc/envoy/weir`,
    )
    .action(async (options: Generating) => {
      const { output } = options;
      if (options.envoy) {
        if (output === undefined)
          throw new CommandError('--envoy writes files that Envoys watch; say where, with -o FOLDER');
        await writeEnvoyFiles({ ...options, output });
        return;
      }
      const gathered = await gather(options);
      const { manifestText } = await import('../../generate/manifests.ts');
      if (output === undefined) {
        print(manifestText(gathered.flatMap(({ manifests }) => manifests)).trimEnd());
        return;
      }
      const { replaceFile } = await import('../../publish/replace-file.ts');
      for (const { file, manifests } of gathered) {
        const path = join(output, file);
        replaceFile(path, manifestText(manifests));
        print(`${path}: ${manifests.map(({ kind }) => kind).join(', ')}`);
      }
    });
}

export function diffCommand(): Command {
  return gathering('diff')
    .description('show what applying the generated manifests would change in the cluster; exit code 1 where anything')
    .addHelpText(
      'after',
      '\nExamples:\n  weir diff --from routes/\n  weir diff --from http://127.0.0.1:15900 --sidecars',
    )
    .action(async (options: Gathering) => {
      const manifests = (await gather(options)).flatMap((each) => each.manifests);
      const { CustomObjectsApi } = await import('@kubernetes/client-node');
      const { findApiServer, sayFailure } = await import('../../intake/api-server.ts');
      const { changeOf } = await import('../../publish/change.ts');
      const { Objects } = await import('../../publish/objects.ts');
      const objects = new Objects(findApiServer().makeApiClient(CustomObjectsApi));
      for (const manifest of manifests) {
        const change = await changeOf(objects, manifest).catch((error: unknown) => {
          throw new CommandError(sayFailure(error, `${manifest.kind}s`));
        });
        if (change === undefined) continue;
        print(change.trimEnd());
        process.exitCode = EXIT_DIFFERENT;
      }
    });
}

function gathering(name: string): Command {
  return new Command(name)
    .requiredOption('--from <path|url>', 'file or folder of AdaptiveRoutes, or a controller, whose weights then count')
    .option('--sidecars', 'from a controller: Sidecars that leave proxies with what their workloads call', false)
    .option('--learn-days <days>', 'days for which a workload must have been seen', DEFAULT_LEARN_DAYS)
    .option(
      '--allow <hosts...>',
      'NAMESPACE/HOST that every proxy keeps, beside istio-system/* and weir-system/*',
      [] as string[],
    )
    .option('--controller-url <url>', 'the controller, where KEDA reaches it', IN_CLUSTER_URL);
}

/** `weir generate`: writes what Istio needs to know, for people to review and tools to apply. Nothing is asked of a cluster. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { CommandError } from '../client.ts';
import { print } from '../text.ts';

interface GenerateOptions {
  readonly from: string;
  readonly output?: string;
}

export function generateCommand(): Command {
  return new Command('generate')
    .description('write the VirtualServices and DestinationRules that steering needs')
    .requiredOption('--from <path>', 'file or folder of AdaptiveRoutes')
    .option('-o, --output <folder>', 'where to write a file per route (default: print them)')
    .addHelpText(
      'after',
      '\nExamples:\n  weir generate --from routes/ -o manifests/\n  weir generate --from search.yaml | kubectl diff -f -',
    )
    .action(async ({ from, output }: GenerateOptions) => {
      const { loadRoutes } = await import('../../routes/load.ts');
      const { manifestsOf, manifestText } = await import('../../generate/manifests.ts');
      const routes = loadRoutes(from).map((route) => ({ route, manifests: manifestsOf(route) }));
      const made = routes.filter(({ manifests }) => manifests.length > 0);
      const names = routes
        .filter(({ manifests }) => manifests.length === 0)
        .map(({ route: { metadata } }) => `${metadata.namespace}/${metadata.name}`);
      if (names.length > 0) {
        process.stderr.write(`nothing for ${names.join(', ')}: its clusters are not those of Istio's subsets\n`);
      }
      if (made.length === 0) throw new CommandError(`${from} has no route with two backends that are Istio's subsets`);
      if (output === undefined) {
        print(
          made
            .map(({ manifests }) => manifestText(manifests))
            .join('---\n')
            .trimEnd(),
        );
        return;
      }
      mkdirSync(output, { recursive: true });
      for (const { route, manifests } of made) {
        const path = join(output, `${route.metadata.namespace}-${route.metadata.name}.yaml`);
        writeFileSync(path, manifestText(manifests));
        print(`${path}: ${manifests.map(({ kind }) => kind).join(', ')}`);
      }
    });
}

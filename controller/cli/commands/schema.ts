/** `weir schema`: the JSON Schema that an editor completes and checks YAML with, and what Kubernetes checks AdaptiveRoutes with. */
import { Argument, Command } from 'commander';
import { print, printJson } from '../text.ts';

export function schemaCommand(): Command {
  return new Command('schema')
    .description('print the JSON Schema of a document, or the custom resource definition')
    .addArgument(new Argument('<document>', 'which').choices(['route', 'scenario', 'crd']))
    .addHelpText(
      'after',
      '\nExample:\n  weir schema route > route.schema.json\nthen at the top of a file:\n  # yaml-language-server: $schema=route.schema.json\n  weir schema crd | kubectl apply --server-side -f -',
    )
    .action(async (document: string) => {
      if (document === 'route') {
        const { routeSchema } = await import('../../routes/schema.ts');
        printJson(routeSchema());
        return;
      }
      if (document === 'crd') {
        const { crdText } = await import('../../routes/crd.ts');
        print(crdText().trimEnd());
        return;
      }
      const { scenarioSchema } = await import('../../../deploy/local/scenario/emit.ts');
      print(scenarioSchema().trimEnd());
    });
}

/** `weir validate`: are these files right? Routes and scenarios are told apart by what is in them. */
import { readFileSync, statSync } from 'node:fs';
import { Command } from 'commander';
import { CommandError } from '../client.ts';
import { print } from '../text.ts';

export function validateCommand(): Command {
  return new Command('validate')
    .description('check files of AdaptiveRoutes and scenarios')
    .argument('<files...>', 'files; a folder is one set of routes')
    .addHelpText('after', '\nExamples:\n  weir validate routes/\n  weir validate search.yaml my-scenario.yaml')
    .action(async (files: string[]) => {
      const problems: string[] = [];
      for (const file of files) {
        try {
          print(`${file}: ${await checked(file)}`);
        } catch (error) {
          // Faults of ours have no code; what a file got wrong has.
          if (!(error instanceof CommandError) && (error as { code?: unknown }).code === undefined) throw error;
          problems.push((error as Error).message);
        }
      }
      if (problems.length > 0) throw new CommandError(problems.join('\n'));
    });
}

/** @returns what is in the file, in words */
async function checked(file: string): Promise<string> {
  if (isFolder(file) || /^(apiVersion|kind)\s*:/m.test(read(file))) {
    const { loadRoutes } = await import('../../routes/load.ts');
    const { serviceOf } = await import('../../routes/route.ts');
    const routes = loadRoutes(file);
    return `${routes.length} AdaptiveRoute${routes.length === 1 ? '' : 's'} for ${routes.map(serviceOf).join(', ')}`;
  }
  const { readScenario } = await import('../../../deploy/local/scenario/read.ts');
  const { scenario } = readScenario(file, process.cwd());
  return `scenario ${scenario.name}, ${scenario.services.length} services`;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new CommandError(`${file} ${isMissing ? 'does not exist' : `cannot be read: ${(error as Error).message}`}`);
  }
}

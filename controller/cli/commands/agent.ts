/** `weir agent`: the agent of this node, with the options that its own room defines. Loaded only when asked for. */
import { Command } from 'commander';

export function agentEntry(release: string): Command {
  return (
    new Command('agent')
      .description('run the agent of this node')
      // Every option, --help too, is the agent's own.
      .helpOption(false)
      .allowUnknownOption()
      .argument('[options...]', 'weir agent --help lists them')
      .action(async (options: string[]) => {
        const { agentCommand } = await import('../../../agent/main.ts');
        await agentCommand(release).name('weir agent').parseAsync(options, { from: 'user' });
      })
  );
}

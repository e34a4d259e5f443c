/**
 * The weir command: what there is, and how errors are shown. Each subcommand is one file in commands/, and loads what it runs
 * only when it is asked for, so that a look at the status does not wait for a web server to be read from disk.
 */
import { Command } from 'commander';
import { readRelease } from '../release.ts';
import { CommandError } from './client.ts';
import { agentEntry } from './commands/agent.ts';
import { controllerCommand } from './commands/controller.ts';
import { decisionsCommand } from './commands/decisions.ts';
import { demoCommand } from './commands/demo.ts';
import { freezeCommand, unfreezeCommand } from './commands/freeze.ts';
import { diffCommand, generateCommand } from './commands/generate.ts';
import { graphCommand } from './commands/graph.ts';
import { pinCommand, unpinCommand } from './commands/pin.ts';
import { revertCommand } from './commands/revert.ts';
import { schemaCommand } from './commands/schema.ts';
import { statusCommand } from './commands/status.ts';
import { tablesCommand } from './commands/tables.ts';
import { validateCommand } from './commands/validate.ts';
import { withdrawCommand } from './commands/withdraw.ts';

const program = new Command('weir')
  .description(
    'Adaptive routing for Istio and Envoy: measures every call, decides weights, tries them, keeps what is better.',
  )
  .version(readRelease())
  .showSuggestionAfterError()
  .addHelpText(
    'after',
    `
Examples:
  weir demo                                a mesh on this machine that breaks and steers itself
  weir status                              weights and figures of each service
  weir decisions --follow                  what is decided and why
  weir freeze payments:8080 --why audit    weights stay as they are

weir COMMAND --help says more of each.`,
  );

program.commandsGroup('Run:');
program.addCommand(demoCommand()).addCommand(controllerCommand()).addCommand(agentEntry(readRelease()));
program.commandsGroup('Look:');
program
  .addCommand(statusCommand())
  .addCommand(decisionsCommand())
  .addCommand(graphCommand())
  .addCommand(tablesCommand());
program.commandsGroup('Overrule:');
program
  .addCommand(freezeCommand())
  .addCommand(unfreezeCommand())
  .addCommand(pinCommand())
  .addCommand(unpinCommand())
  .addCommand(revertCommand());
program.commandsGroup('Check:');
program.addCommand(validateCommand()).addCommand(schemaCommand());
program.commandsGroup('Write:');
program.addCommand(generateCommand()).addCommand(diffCommand()).addCommand(withdrawCommand());

try {
  await program.parseAsync();
} catch (error) {
  // What a person can mend is a sentence and has one of our codes; anything else is a fault of ours and keeps its stack.
  const { code, message, stack } = error as Error & { code?: unknown };
  const isTheirs = error instanceof CommandError || String(code).startsWith('WEIR_');
  const isLeftOut = code === 'ERR_MODULE_NOT_FOUND';
  const leftOut = `weir ${process.argv[2]} is not part of what is installed here (${message}); of the images the agent's has weir agent alone, the controller's all but weir demo`;
  process.stderr.write(`${isLeftOut ? leftOut : isTheirs ? message : stack}\n`);
  process.exitCode = 1;
}

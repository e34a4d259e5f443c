/** `weir demo`: a mesh of real Envoys on this machine. Loaded only when asked for: it brings a load generator with it. */
import { Command, InvalidArgumentError } from 'commander';

interface DemoOptions {
  readonly duration?: number;
  readonly seed?: number;
  readonly scenario?: string;
  readonly json?: string;
  readonly unsteered?: boolean;
  readonly keepLogs?: string;
}

export function demoCommand(): Command {
  return new Command('demo')
    .description('run a mesh of real Envoys on this machine that breaks, and steers itself')
    .option('--duration <seconds>', 'how long it runs (default: as long as the scenario says)', positive)
    .option('--seed <number>', 'seed of every chance in it (default: the scenario has one)', whole)
    .option('--scenario <file>', 'scenario to run (default: the one that comes with Weir)')
    .option('--unsteered', 'only the run without Weir that the summary compares with', false)
    .option('--json <file>', 'write the summary there as JSON')
    .option('--keep-logs <folder>', "keep every process's log there")
    .addHelpText(
      'after',
      `
Examples:
  weir demo
  weir demo --duration 120 --json summary.json
  weir demo --scenario my-mesh.yaml --seed 7 --keep-logs run/logs

deploy/local/SCENARIO.md says how to write a scenario.`,
    )
    .action(async (options: DemoOptions) => {
      const { demo } = await import('../../../deploy/local/main.ts');
      process.exitCode = await demo(options);
    });
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be an integer from 0 to 999999999.');
  return Number(text);
}

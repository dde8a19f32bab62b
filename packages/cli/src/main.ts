// The command `logah`: what it can do, and how it ends. Exit codes: 0 done, 1 failed, 2 wrong usage.
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { convertCommand } from './commands/convert.js';
import { datasetCommand } from './commands/dataset.js';
import { evalCommand } from './commands/eval.js';
import { graphCommand } from './commands/graph.js';
import { infoCommand } from './commands/info.js';
import { predictCommand } from './commands/predict.js';
import { quickstartCommand } from './commands/quickstart.js';
import { trainCommand } from './commands/train.js';
import { isUserError } from './errors.js';

const { version }: { version: string } = createRequire(import.meta.url)('../package.json');

const program = new Command('logah')
  .description('Predicts the initial parameters of neural networks with LoGAH, a low-rank graph hypernetwork.')
  .version(version)
  .exitOverride()
  .addCommand(graphCommand())
  .addCommand(predictCommand())
  .addCommand(infoCommand())
  .addCommand(convertCommand())
  .addCommand(datasetCommand())
  .addCommand(trainCommand())
  .addCommand(evalCommand())
  .addCommand(quickstartCommand());
for (const command of program.commands) command.exitOverride().showHelpAfterError('(see --help)');

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

function exitCodeOf(error: unknown): number {
  // Commander has printed its own message by now.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (isUserError(error)) {
    console.error(`logah: ${error.message}`);
    return 1;
  }
  console.error(error);
  return 1;
}

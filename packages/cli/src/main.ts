// The command `logah`: what it can do, and how it ends. Exit codes: 0 done, 1 failed, 2 wrong usage.
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { isUserError } from './errors.js';
import { EXAMPLES } from './examples.js';

const { version }: { version: string } = createRequire(import.meta.url)('../package.json');

/** In the order in which help lists them. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  graph: async () => (await import('./commands/graph.js')).graphCommand(),
  predict: async () => (await import('./commands/predict.js')).predictCommand(),
  init: async () => (await import('./commands/init.js')).initCommand(),
  info: async () => (await import('./commands/info.js')).infoCommand(),
  convert: async () => (await import('./commands/convert.js')).convertCommand(),
  dataset: async () => (await import('./commands/dataset.js')).datasetCommand(),
  train: async () => (await import('./commands/train.js')).trainCommand(),
  eval: async () => (await import('./commands/eval.js')).evalCommand(),
  quickstart: async () => (await import('./commands/quickstart.js')).quickstartCommand(),
  completion: async () =>
    (await import('./commands/completion.js')).completionCommand(async () => programOf(Object.keys(COMMANDS))),
};

// What one command needs, such as a native library, takes longer to load than others take to run.
const [name = ''] = process.argv.slice(2);
const isVersion = name === '--version' || name === '-V';
const wanted = Object.hasOwn(COMMANDS, name) ? [name] : isVersion ? [] : Object.keys(COMMANDS);
const program = await programOf(wanted);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

/** `logah` with these commands. */
async function programOf(names: readonly string[]): Promise<Command> {
  const whole = new Command('logah')
    .description('Predicts the initial parameters of neural networks with LoGAH, a low-rank graph hypernetwork.')
    .version(version)
    .exitOverride();
  for (const command of names) whole.addCommand(await COMMANDS[command]());
  for (const command of whole.commands) {
    command
      .exitOverride()
      .showHelpAfterError('(see --help)')
      .addHelpText('after', `\nExample:\n  $ ${EXAMPLES[command.name()]}`);
  }
  return whole;
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

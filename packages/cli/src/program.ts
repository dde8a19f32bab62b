// The command `logah` as a program: its commands, and how one ends that fails.
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { describeFailure } from './errors.js';
import { EXAMPLES } from './examples.js';
import { say } from './print.js';

/** In the order in which help lists them. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  graph: async () => (await import('./commands/graph.js')).graphCommand(),
  predict: async () => (await import('./commands/predict.js')).predictCommand(),
  init: async () => (await import('./commands/init.js')).initCommand(),
  diff: async () => (await import('./commands/diff.js')).diffCommand(),
  info: async () => (await import('./commands/info.js')).infoCommand(),
  convert: async () => (await import('./commands/convert.js')).convertCommand(),
  dataset: async () => (await import('./commands/dataset.js')).datasetCommand(),
  train: async () => (await import('./commands/train.js')).trainCommand(),
  eval: async () => (await import('./commands/eval.js')).evalCommand(),
  quickstart: async () => (await import('./commands/quickstart.js')).quickstartCommand(),
  completion: async () =>
    (await import('./commands/completion.js')).completionCommand(async () => programOf(Object.keys(COMMANDS))),
};

/** Carries out a command of these words to its end; what goes wrong is said, and becomes the process's exit code. */
export async function runProgram(words: readonly string[]): Promise<void> {
  try {
    // `help` of a command that there is not says no more than that command itself, which names the nearest.
    const asked = isHelpOfNone(words) ? words.slice(1) : words;
    await (await createProgram(asked)).parseAsync(asked, { from: 'user' });
  } catch (error) {
    // Commander has printed its own message by now.
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else tellFailure(error, words);
  }
}

const isHelpOfNone = ([first, of]: readonly string[]): boolean =>
  first === 'help' && of !== undefined && of !== 'help' && !of.startsWith('-') && !Object.hasOwn(COMMANDS, of);

async function createProgram([name = '']: readonly string[]): Promise<Command> {
  // What one command needs, such as a native library, takes longer to load than others take to run.
  const isVersion = name === '--version' || name === '-V';
  return programOf(Object.hasOwn(COMMANDS, name) ? [name] : isVersion ? [] : Object.keys(COMMANDS));
}

/** `logah` with these commands. */
async function programOf(names: readonly string[]): Promise<Command> {
  const { version }: { version: string } = createRequire(import.meta.url)('../package.json');
  const program = new Command('logah')
    .description('Predicts the initial parameters of neural networks with LoGAH, a low-rank graph hypernetwork.')
    .version(version)
    .showHelpAfterError('(see --help)')
    .exitOverride();
  for (const command of names) program.addCommand(await COMMANDS[command]());
  for (const command of program.commands) {
    (await import('./choices.js')).suggestChoices(command);
    command
      .option('--verbose', 'where something unexpected happens: its trace')
      .exitOverride()
      .showHelpAfterError('(see --help)')
      .addHelpText('after', `\nExample:\n  $ ${EXAMPLES[command.name()]}`);
  }
  return program;
}

/** Says why the command of these words failed: in a line, and with `--verbose` where. The exit code becomes 1. */
export function tellFailure(error: unknown, words: readonly string[]): void {
  // A command whose exit code says what it found has set the one for failures.
  process.exitCode ||= 1;
  say(`logah: ${describeFailure(error)}`);
  if (words.includes('--verbose') && error instanceof Error) say(traceOf(error));
}

/** The trace of an error and of those that led to it. */
function traceOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${traceOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}

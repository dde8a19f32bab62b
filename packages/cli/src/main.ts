// The command `logah`: what it can do, and how it ends. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 and 143
// stopped by Ctrl-C and SIGTERM, 141 stopped for want of a reader; `diff` has 1 for what differs and 2 for failures.
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { describeFailure } from './errors.js';
import { EXAMPLES } from './examples.js';
import { tellOfClosedOutput } from './interrupt.js';
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

process.on('uncaughtException', (error) => {
  fail(error);
  // What was going on is in no state to go on; files in the making are removed on the way out.
  process.exit();
});
// Whoever reads the output may have had enough of it, as `head` has: what has a state to keep is told.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (!tellOfClosedOutput()) process.exit();
});
// The result does not need anybody to read how it goes.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  await (await createProgram()).parseAsync();
} catch (error) {
  // Commander has printed its own message by now.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else fail(error);
}

async function createProgram(): Promise<Command> {
  // What one command needs, such as a native library, takes longer to load than others take to run.
  const [name = ''] = process.argv.slice(2);
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

/** Says why the command failed: in a line, and with `--verbose` where. */
function fail(error: unknown): void {
  // A command whose exit code says what it found has set the one for failures.
  process.exitCode ||= 1;
  say(`logah: ${describeFailure(error)}`);
  if (process.argv.includes('--verbose') && error instanceof Error) say(traceOf(error));
}

/** The trace of an error and of those that led to it. */
function traceOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by: ${traceOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}

// `logah completion`: the script that a shell completes words with.
import { Argument, Command } from 'commander';
import { completionScript, SHELLS, type Shell } from '../completion.js';

/** `all` makes the whole program: every command with its options. */
export const completionCommand = (all: () => Promise<Command>): Command =>
  new Command('completion')
    .description('prints the script with which a shell completes commands and options')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action(async (shell: Shell) => {
      process.stdout.write(completionScript(await all(), shell));
    });

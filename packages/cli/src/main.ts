// The command `logah`: what it can do, and how it ends. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 and 143
// stopped by Ctrl-C and SIGTERM, 141 stopped for want of a reader; `diff` has 1 for what differs and 2 for failures.
import { CliError } from './errors.js';
import { tellOfClosedOutput } from './interrupt.js';
import { runProgram, tellFailure } from './program.js';

const words = process.argv.slice(2);

process.on('uncaughtException', (error) => {
  tellFailure(error, words);
  // What was going on is in no state to go on; files in the making are removed on the way out.
  process.exit();
});
// Whoever reads the output may have had enough of it, as `head` has: what has a state to keep is told.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw new CliError(`cannot write to standard output: ${error.message}`, { cause: error });
  if (!tellOfClosedOutput()) process.exit();
});
// The result does not need anybody to read how it goes, nor a disk with room for that.
process.stderr.on('error', () => {});

await runProgram(words);

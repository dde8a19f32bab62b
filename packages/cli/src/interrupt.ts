// Ctrl-C, SIGTERM and a reader that is gone while something long goes on: the first asks it to stop and keep what it
// has, the second ends it.

/** Exit codes as shells have them: 128 and the number of the signal. */
const EXIT_CODES = { SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 } as const;

const NAMES = ['SIGINT', 'SIGPIPE', 'SIGTERM'] as const;

export type InterruptName = keyof typeof EXIT_CODES;

/** Whether something was interrupted. */
export interface Interrupt {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** Which it was; undefined while there was none. */
  readonly by: () => InterruptName | undefined;
  /** No longer listens; the process will end with the exit code of the signal, where there was one. */
  readonly release: () => void;
}

/** Whether somebody listens who is to be told that nobody reads the output any more. */
export const tellOfClosedOutput = (): boolean => process.emit('SIGPIPE', 'SIGPIPE');

/** Listens for Ctrl-C, SIGTERM and {@link tellOfClosedOutput}. */
export function listenForInterrupt(): Interrupt {
  const stop = new AbortController();
  let by: InterruptName | undefined;
  // Not `once`: a listener that is gone would leave the signal to those who end the process.
  const listener = (name: NodeJS.Signals): void => {
    if (name !== 'SIGINT' && name !== 'SIGTERM' && name !== 'SIGPIPE') return;
    // Every line that is still to be said finds nobody.
    if (by !== undefined && name === 'SIGPIPE') return;
    if (by !== undefined) process.exit(EXIT_CODES[name]);
    by = name;
    stop.abort();
  };
  for (const name of NAMES) process.on(name, listener);
  return {
    signal: stop.signal,
    by: () => by,
    release: () => {
      for (const name of NAMES) process.off(name, listener);
      if (by !== undefined) process.exitCode = EXIT_CODES[by];
    },
  };
}

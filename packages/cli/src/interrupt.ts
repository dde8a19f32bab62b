// Ctrl-C and SIGTERM while something long goes on: the first asks it to stop and keep what it has, the second ends it.

/** Exit codes as shells have them: 128 and the number of the signal. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

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

/** Listens for Ctrl-C and SIGTERM. */
export function listenForInterrupt(): Interrupt {
  const stop = new AbortController();
  let by: InterruptName | undefined;
  // Not `once`: a listener that is gone would leave the signal to those who end the process.
  const listener = (name: NodeJS.Signals): void => {
    if (name !== 'SIGINT' && name !== 'SIGTERM') return;
    if (by !== undefined) process.exit(EXIT_CODES[name]);
    by = name;
    stop.abort();
  };
  process.on('SIGINT', listener);
  process.on('SIGTERM', listener);
  return {
    signal: stop.signal,
    by: () => by,
    release: () => {
      process.off('SIGINT', listener);
      process.off('SIGTERM', listener);
      if (by !== undefined) process.exitCode = EXIT_CODES[by];
    },
  };
}

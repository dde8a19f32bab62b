// The worker of a comparison as its parent sees it: started, asked, ended.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { EvaluationError } from './errors.js';
import type { RunRecord } from './results.js';
import type { WorkerReply, WorkerRequest, WorkerSetup } from './worker-messages.js';

/** A process that makes one run at a time. */
export interface RunWorker {
  /** Makes a run. Throws {@link EvaluationError} with the worker's reason when it fails or ends. */
  readonly make: (
    job: WorkerRequest,
    onEvent: (reply: Extract<WorkerReply, { type: 'step' | 'note' }>) => void,
  ) => Promise<RunRecord>;
  /** Kills it, and waits until it is gone. */
  readonly end: () => Promise<void>;
}

/** Starts a worker. Its setup, such as reading the data, goes on until its first run; what goes wrong in it is thrown there. */
export function startWorker(setup: WorkerSetup): RunWorker {
  const child = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), { serialization: 'advanced' });
  const ready = converse(child, setup);
  ready.catch(() => {});
  return {
    make: async (job, onEvent) => {
      await ready;
      const run = await converse(child, job, onEvent);
      if (run === undefined) throw new EvaluationError('a worker answered before it was asked');
      return run;
    },
    end: () => ended(child),
  };
}

/** Sends a worker a message and waits for what it answers in the end: a run, or nothing when it is ready. */
function converse(
  worker: ChildProcess,
  message: WorkerSetup | WorkerRequest,
  onEvent?: (reply: Extract<WorkerReply, { type: 'step' | 'note' }>) => void,
): Promise<RunRecord | undefined> {
  const what = 'key' in message ? `the run of ${Object.values(message.key).join(', ')}` : 'a worker';
  return new Promise((resolve, reject) => {
    const finish = (act: () => void): void => {
      worker.off('message', onMessage);
      worker.off('exit', onExit);
      act();
    };
    const onMessage = (reply: WorkerReply): void => {
      if (reply.type === 'step' || reply.type === 'note') onEvent?.(reply);
      else if (reply.type === 'error') finish(() => reject(new EvaluationError(`${what} failed: ${reply.message}`)));
      else finish(() => resolve(reply.type === 'done' ? reply.run : undefined));
    };
    const onExit = (code: number | null, signal: NodeJS.Signals | null): void =>
      finish(() => reject(new EvaluationError(`${what}: its process ended with ${signal ?? `code ${code}`}`)));
    if (worker.exitCode !== null || worker.signalCode !== null) {
      onExit(worker.exitCode, worker.signalCode);
      return;
    }
    worker.on('message', onMessage);
    worker.on('exit', onExit);
    // A worker that is just ending cannot be asked any more: its end says why.
    worker.send(message, () => {});
  });
}

/** Stops a worker, and waits until it is gone. */
function ended(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    worker.once('exit', () => resolve());
    worker.kill('SIGKILL');
  });
}

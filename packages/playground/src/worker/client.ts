// The page's side of a worker: calls with progress, and a stop that always works.
import type { CallMessage, CallName, Calls, ReplyMessage } from './protocol.js';

interface Waiting {
  progress(value: unknown): void;
  result(value: unknown): void;
  fail(error: Error): void;
}

/** A call that was stopped before it ended. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

export class WorkerClient {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #count = 0;

  /** Calls the worker. Throws what went wrong there, in its words, or {@link Stopped}. */
  call<K extends CallName>(
    call: K,
    request: Calls[K]['request'],
    onProgress: (progress: Calls[K]['progress']) => void = () => {},
  ): Promise<Calls[K]['result']> {
    const id = this.#count++;
    const worker = this.#started();
    return new Promise((resolve, reject) => {
      // The worker answers a call with that call's own progress and result: `handlers` there is typed by `Calls`.
      this.#waiting.set(id, {
        progress: (value) => onProgress(value as Calls[K]['progress']),
        result: (value) => resolve(value as Calls[K]['result']),
        fail: reject,
      });
      worker.postMessage({ id, call, request } as CallMessage);
    });
  }

  /** Ends whatever runs; what the worker held is gone. */
  stop(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#fail(new Stopped('stopped'));
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<ReplyMessage>) => this.#receive(data);
    worker.onerror = ({ message }) => {
      this.#worker = undefined;
      worker.terminate();
      this.#fail(new Error(`the worker stopped: ${message}`));
    };
    this.#worker = worker;
    return worker;
  }

  #receive(message: ReplyMessage): void {
    const waiting = this.#waiting.get(message.id);
    if (message.kind === 'progress') {
      waiting?.progress(message.progress);
      return;
    }
    this.#waiting.delete(message.id);
    if (message.kind === 'result') waiting?.result(message.result);
    else waiting?.fail(new Error(message.message));
  }

  #fail(error: Error): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const waiting of all) waiting.fail(error);
  }
}

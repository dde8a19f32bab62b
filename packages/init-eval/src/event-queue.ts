// Items that come when they come, for a loop to take.

/** What a loop takes items from. */
export interface EventQueue<T> {
  readonly push: (item: T) => void;
  /** No more items come. */
  readonly end: () => void;
  /** The loop throws this when it has taken what came before. */
  readonly fail: (error: unknown) => void;
  readonly items: () => AsyncGenerator<T>;
}

export function createQueue<T>(): EventQueue<T> {
  const waiting: T[] = [];
  let isOver = false;
  let failure: { readonly error: unknown } | undefined;
  let wake = (): void => {};
  return {
    push(item: T): void {
      waiting.push(item);
      wake();
    },
    end(): void {
      isOver = true;
      wake();
    },
    fail(error: unknown): void {
      failure = { error };
      wake();
    },
    async *items(): AsyncGenerator<T> {
      for (;;) {
        for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) yield item;
        if (failure) throw failure.error;
        if (isOver) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

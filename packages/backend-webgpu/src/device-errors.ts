// Errors of a device. WebGPU reports a shader that does not compile or a buffer that is too large in the background and goes on with what memory
// held; tfjs does not look, so its numbers would be wrong. Here every error is kept until somebody reads a number.

const FILTERS: readonly GPUErrorFilter[] = ['validation', 'out-of-memory', 'internal'];

export class DeviceErrors {
  readonly #device: GPUDevice;
  #first: Error | undefined;

  constructor(device: GPUDevice) {
    this.#device = device;
    this.#open();
    device.lost.then(({ reason, message }) => {
      if (reason !== 'destroyed') this.#note(`the device was lost: ${message}`);
    });
  }

  /** Waits until all that the device was told before is known to be good. Throws the first error that there ever was. */
  async check(): Promise<void> {
    const scopes = FILTERS.map(() => this.#device.popErrorScope());
    this.#open();
    for (const error of await Promise.all(scopes)) if (error !== null) this.#note(error.message);
    if (this.#first !== undefined) throw this.#first;
  }

  #open(): void {
    for (const filter of FILTERS) this.#device.pushErrorScope(filter);
  }

  #note(message: string): void {
    this.#first ??= new Error(`WebGPU, ${message.trim()}`);
  }
}

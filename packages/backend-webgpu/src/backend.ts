// The backend: tfjs's own, which in Node.js can only be read by waiting, and whose numbers are given out only if no error came before them.
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { backend_util, TensorInfo } from '@tensorflow/tfjs-core';
import { DeviceErrors } from './device-errors.js';
import { withNavigator } from './gpu.js';

type Values = backend_util.BackendValues;

class CheckedBackend extends WebGPUBackend {
  readonly #errors: DeviceErrors;

  constructor(device: GPUDevice, info: GPUAdapterInfo) {
    super(device, info);
    this.#errors = new DeviceErrors(device);
  }

  /** A tensor's values. Throws an Error when the device reported one since it was opened. */
  override async read(dataId: TensorInfo['dataId']): Promise<Values> {
    const [read] = await Promise.allSettled([super.read(dataId)]);
    await this.#errors.check();
    if (read.status === 'rejected') throw read.reason;
    return read.value;
  }

  /** The values of a tensor that are known without the GPU: those it was made of, or that were read before. Throws an Error for others. */
  override readSync(dataId: object): Values {
    const { values, dtype } = this.tensorMap.get(dataId);
    if (values == null && dtype !== 'complex64')
      throw new Error('what a GPU has computed can only be read by waiting for it: await data(), not dataSync()');
    return super.readSync(dataId);
  }
}

/** More than WebGPU promises everywhere: what tfjs asks for, and as many operands in a kernel as there can be. */
const LIMITS = [
  'maxBufferSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
] as const;

/** A backend on a device of its own, with all that its adapter allows. */
export async function createBackend(adapter: GPUAdapter): Promise<WebGPUBackend> {
  const device = await adapter.requestDevice({
    requiredFeatures: adapter.features.has('timestamp-query') ? ['timestamp-query'] : [],
    requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])),
  });
  return withNavigator(() => new CheckedBackend(device, adapter.info));
}

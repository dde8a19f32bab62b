// Finding a GPU, and giving tfjs a `navigator` for the moment in which it asks for one.

/** How to come by what is missing. */
const HOW_TO_INSTALL = 'npm install webgpu @tensorflow/tfjs-backend-webgpu';

/**
 * Dawn's objects must outlive every device: a GPU that is collected takes its devices down with the process. Here, and not as a global, it does not
 * keep Node.js from ending.
 */
let gpu: GPU | undefined;

async function openGpu(): Promise<GPU> {
  if (gpu !== undefined) return gpu;
  const own = globalThis.navigator?.gpu;
  if (own !== undefined) {
    gpu = own;
    return own;
  }
  const { create, globals } = await import('webgpu').catch((cause: unknown) => {
    throw new Error(`the package webgpu, which holds Dawn, cannot be loaded: ${HOW_TO_INSTALL}`, { cause });
  });
  // tfjs reads GPUBufferUsage and the like from there.
  Object.assign(globalThis, globals);
  gpu = create([]);
  return gpu;
}

/** The fastest adapter there is. Throws an Error where there is none, or Dawn is missing. */
export async function requestAdapter(): Promise<GPUAdapter> {
  const adapter = await (await openGpu()).requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null)
    throw new Error(
      'no GPU was found: it takes a driver for Vulkan 1.1 or later (on Linux, `vulkaninfo --summary` lists what there is), Metal or Direct3D 12',
    );
  return adapter;
}

/**
 * Calls `make` while there is a `navigator` with a GPU, which tfjs's backend insists on; afterwards all is as it was, since other libraries take a
 * program with a `navigator` for a browser.
 */
export function withNavigator<Made>(make: () => Made): Made {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  try {
    return make();
  } finally {
    if (before === undefined) Reflect.deleteProperty(globalThis, 'navigator');
    else Object.defineProperty(globalThis, 'navigator', before);
  }
}

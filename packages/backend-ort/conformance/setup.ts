// Makes ort the backend, and gives the tests the globals and matchers of jasmine that they use beside vitest's.
import 'tfjs-core-dist/register_all_gradients';
import 'tfjs-core-dist/public/chained_ops/register_all_chained_ops';
import '../src/index.js';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';

/** Tests that ort is not to pass, and why. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  'gradient x=[3,3,1] f=[3,3] s=1 p=explicit':
    'divides by all of the window, which is not the gradient of the forward pass that divides by the pixels inside the image',
  'delayed async read of sliced tensor has no mem leak': 'counts the tensors of an engine that no other test has used',
  'delayed sync read of sliced tensor has no mem leak': 'counts the tensors of an engine that no other test has used',
};

expect.extend({ nothing: () => ({ pass: true, message: () => '' }) });
const expectAsync = (promise: Promise<unknown>) => ({
  toBeRejected: () => expect(promise).rejects.toThrow(),
  toBeRejectedWithError: (message: RegExp) => expect(promise).rejects.toThrow(message),
});
Object.assign(globalThis, {
  expectAsync,
  jasmine: { any: expect.any },
  spyOn: vi.spyOn,
  it: Object.assign(
    (name: string, test: () => void | Promise<void>) => (name in EXCEPTIONS ? it.skip(name, test) : it(name, test)),
    it,
  ),
});

beforeAll(() => tf.setBackend('ort'));
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

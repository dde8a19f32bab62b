// Reads one mutated file after the other, and says how each went.
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { readers } from './readers.mjs';

await tf.setBackend('cpu');
const known = await readers();

/** Errors that our packages raise for what they are given. */
const CLEAR =
  /^(Checkpoint|Cli|Data|Dataset|Evaluation|File|Graph|Hypernet|Initialization|PytorchFile|Safetensors|Training)Error$/;
/** Words that only a mistake in a program brings into a message. */
const MISTAKE = /Cannot (read|convert|destructure)|is not (a function|iterable|defined)|undefined|Maximum call stack/;

process.on('message', async ({ reader, path }) => {
  process.send(await outcomeOf(known[reader].read, path));
});
process.send({ ready: true });

async function outcomeOf(read, path) {
  try {
    await read(path);
    return { outcome: 'accepted' };
  } catch (error) {
    const isClear = CLEAR.test(error?.name) && !MISTAKE.test(error.message);
    return {
      outcome: isClear ? 'clear' : 'unclear',
      message: `${error?.name}: ${error?.message}`,
      stack: error?.stack,
    };
  }
}

// Options of commands that read a checkpoint, and what is said of it.
import type { AssumedSize, PytorchHypernetOptions } from '@logah/hypernet';
import { InvalidArgumentError, Option } from 'commander';
import { integerIn } from './options.js';
import { say } from './print.js';

/** What files of parameters are called in every command's help. */
export const TENSOR_FILE_HELP = 'safetensors, or a .pt, .pth, .bin or joblib file of PyTorch';

export interface CheckpointOptions {
  readonly ema?: true;
  readonly assume?: Readonly<Partial<Record<AssumedSize, number>>>;
}

/** `--ema`: which of a checkpoint's parameters. */
export const emaOption = (): Option =>
  new Option('--ema', 'the moving average of the parameters, where a checkpoint of PyTorch has one');

const ASSUMED_SIZES: readonly AssumedSize[] = ['heads', 'maxChannels', 'maxKernel', 'classes', 'virtualEdges'];

const isAssumedSize = (name: string): name is AssumedSize => ASSUMED_SIZES.some((size) => size === name);

/** `--assume maxChannels=2048`, as often as there are sizes that a checkpoint does not tell. */
export const assumeOption = (): Option =>
  new Option(
    '--assume <size=number>',
    `a size of a hypernetwork that its file does not tell: ${ASSUMED_SIZES.join(', ')} (1 to 2147483647); may be repeated`,
  ).argParser((text: string, sizes: CheckpointOptions['assume'] = {}) => {
    const [name, number] = text.split('=');
    if (!isAssumedSize(name) || number === undefined)
      throw new InvalidArgumentError(`One of ${ASSUMED_SIZES.join(', ')} and a number were wanted.`);
    return { ...sizes, [name]: integerIn()(number) };
  });

/** `--reference`, for checkpoints of LoGAH's authors. */
export const referenceOption = (): Option =>
  new Option('--reference', "graphs as LoGAH's authors' code wires them, for checkpoints that were trained with it");

/** How a hypernetwork is read; what was inferred is printed beside the command's result. */
export const readingOptions = ({ ema, assume = {} }: CheckpointOptions): Required<PytorchHypernetOptions> => ({
  weights: ema ? 'average' : 'trained',
  assume,
  onNote: (note) => say(note),
});

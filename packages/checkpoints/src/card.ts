// What is known of a trained hypernetwork: what it was trained on and how, for which networks it is, and what those reach.
import type { ParameterRole } from '@logah/graph-ir';

/** Images that networks were trained on. */
export interface ImageTask {
  readonly kind: 'images';
  /** Height and width in pixels. */
  readonly image: number;
  readonly patch: number;
  readonly classes: number;
  /** Of each channel, on the scale 0..1: what pixels are normalised with. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Text that networks were trained on. */
export interface TextTask {
  readonly kind: 'text';
  readonly tokenizer: 'bytes' | 'gpt2';
  readonly vocab: number;
  readonly context: number;
  /** The heads it learned to serve: with rows of their own, or tied to the token embedding. */
  readonly heads: ReadonlyArray<'own' | 'tied'>;
}

/** What a network reached that meta-training never saw. */
export interface Reached {
  readonly architecture: string;
  /** Without any training, in nats, where it was measured; `exp` of it is the perplexity of a language model. */
  readonly loss?: number;
  /** The share of right answers. */
  readonly accuracy: number;
}

export interface CheckpointCard {
  readonly name: string;
  /** What it is, in a sentence. */
  readonly title: string;
  readonly decoder: string;
  /** Learned values. */
  readonly parameters: number;
  /** Beside the card. */
  readonly file: string;
  readonly bytes: number;
  readonly dtype: string;
  /** Of the file, in hexadecimal digits. */
  readonly sha256: string;
  readonly task: ImageTask | TextTask;
  /** The widest network that it fills without repeating. */
  readonly maxWidth: number;
  /** The roles of parameters that it learned to fill. */
  readonly roles: readonly ParameterRole[];
  readonly trainedOn: {
    /** The data set, and what of it. */
    readonly data: string;
    readonly licence: string;
    readonly architectures: string;
    /** What makes it again. */
    readonly command: string;
    readonly seed: number;
    readonly steps: number;
    /** Images or blocks of text in a step. */
    readonly batch: number;
  };
  /** Of architectures that were held out, or of training batches in the quick start, in the order of steps. */
  readonly curve: ReadonlyArray<{ readonly step: number; readonly loss: number; readonly accuracy: number }>;
  readonly reached: readonly Reached[];
}

/** A checkpoint that is not there, not whole, or fits no network that was asked for; the message says what would be right. */
export class CheckpointError extends Error {
  override readonly name = 'CheckpointError';
}

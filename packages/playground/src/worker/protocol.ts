// What the page asks of its worker, and what it is told. Everything here is plain data that can be posted.
import type { LayerStatistics } from '@logah/init-eval';

/** A file that was dropped on the page, with its path in the dropped folder. */
export interface DroppedFile {
  readonly path: string;
  readonly file: File;
}

/** Where a network comes from. */
export type NetworkSource =
  /** As `logah` reads it: `vit-s`, `gpt2:layers=6`. */
  | { readonly kind: 'architecture'; readonly text: string }
  | { readonly kind: 'files'; readonly files: readonly DroppedFile[] };

/** The name of the hypernetwork that is drawn at random. */
export const UNTRAINED = 'untrained';

/** A hypernetwork that can be chosen for a network. */
export interface HypernetChoice {
  readonly name: string;
  readonly title: string;
  readonly bytes: number;
  /** What the user should know of it: what is resized, drawn anew or untrained. */
  readonly remarks: readonly string[];
}

export interface NetworkFacts {
  readonly name: string;
  readonly parameters: number;
  readonly tensors: number;
  /** Floating-point operations of one sample, null where a size has only a name. */
  readonly flops: number | null;
  /** Of the computational graph, null where a hypernetwork cannot read the network; `trouble` then says why. */
  readonly computational: { readonly nodes: number; readonly edges: number; readonly largestDistance: number } | null;
  readonly trouble: string | null;
  /** Shipped hypernetworks that fit, best first, and an untrained one last. */
  readonly hypernets: readonly HypernetChoice[];
  /** Why no shipped one fits; null where one does. */
  readonly unfit: string | null;
  /** Why it cannot be filled in a tab; null where it can. */
  readonly tooLarge: string | null;
  /** What was assumed of a file that does not say all. */
  readonly assumed: readonly string[];
}

export type View = 'network' | 'computational' | 'distances';

/** Equal blocks that follow each other. */
export interface Blocks {
  /** The node at which they begin before anything is folded. */
  readonly origin: number;
  /** Of the picture's nodes, the first that is theirs, and how many are. */
  readonly start: number;
  readonly length: number;
  /** How many blocks there are. */
  readonly count: number;
  /** Whether they are drawn one by one. */
  readonly isOpen: boolean;
}

export interface Picture {
  readonly svg: string;
  /** Of every node, what it does, its parameters and shapes. */
  readonly nodes: readonly string[];
  /** Runs of equal blocks, which are drawn once or one by one. */
  readonly blocks: readonly Blocks[];
}

/** Something unusual in a prediction. */
export interface Remark {
  /** What, and in which tensors. */
  readonly text: string;
  /** What it means for who trains the network. */
  readonly advice: string;
  readonly isTrouble: boolean;
}

export interface Prediction {
  readonly hypernet: string;
  readonly backend: 'WebGPU' | 'wasm';
  /** Why it was not WebGPU; null where it was. */
  readonly why: string | null;
  /** Of the prediction alone. */
  readonly seconds: number;
  readonly parameters: number;
  readonly layers: readonly LayerStatistics[];
  readonly findings: readonly Remark[];
  /** The mean distance between weights of one shape, 0 to 1; null where there are none, or too many to compare. */
  readonly diversity: number | null;
}

export interface Answer {
  /** The probability of each digit. */
  readonly predicted: readonly number[];
  readonly random: readonly number[];
}

export type StartName = 'predicted' | 'mimetic' | 'random';

export interface TrainSettings {
  /** An architecture as text. */
  readonly architecture: string;
  readonly steps: number;
  /** Of each start, at its first step. */
  readonly rates: Readonly<Record<StartName, number>>;
  readonly seed: number;
}

/** How a training stands after a step; step 0 is before any. */
export interface TrainPoint {
  readonly start: StartName;
  readonly step: number;
  /** Of the step's batch, in nats; null before any step. */
  readonly loss: number | null;
  /** On test digits, where it was measured. */
  readonly accuracy: number | null;
}

/** What can be called: a request, the progress that is told meanwhile, and the result. */
export interface Calls {
  open: { request: NetworkSource; progress: never; result: NetworkFacts };
  /** `width` in pixels is what there is for a picture that can be of any size. */
  picture: {
    request: { view: View; open: readonly number[] | 'all'; width: number };
    progress: never;
    result: Picture;
  };
  predict: {
    request: { hypernet: string; seed: number };
    progress: { phase: 'predicted' | 'measured'; done: number; total: number; name: string };
    result: Prediction;
  };
  /** The bytes of the last prediction as a file. */
  save: { request: { format: 'safetensors' | 'onnx' }; progress: never; result: Uint8Array<ArrayBuffer> };
  /** Test digits to show: pixels `[count, 28, 28]`, 0 to 255. */
  digits: { request: { count: number }; progress: never; result: { pixels: Uint8Array; labels: Uint8Array } };
  /** What networks of an architecture answer for a digit `[28, 28]`, 0 to 255. */
  answer: { request: { architecture: string; pixels: Uint8Array }; progress: never; result: Answer };
  train: { request: TrainSettings; progress: TrainPoint; result: { backend: string } };
}

export type CallName = keyof Calls;

export type CallMessage = { [K in CallName]: { id: number; call: K; request: Calls[K]['request'] } }[CallName];

export type ReplyMessage =
  | { readonly id: number; readonly kind: 'progress'; readonly progress: Calls[CallName]['progress'] }
  | { readonly id: number; readonly kind: 'result'; readonly result: Calls[CallName]['result'] }
  | { readonly id: number; readonly kind: 'error'; readonly message: string };

// Which of the files that were dropped together is the network.

/** What a file is to a network. */
export type FileRole =
  /** Says all of a network: an ONNX model, one of TensorFlow.js, a graph. */
  | 'model'
  /** Says what a network of transformers is. */
  | 'configuration'
  /** Holds parameters, whose names may say what network they are of. */
  | 'parameters'
  | 'other';

export interface FileWithRole {
  readonly path: string;
  readonly role: FileRole;
}

/** The role of a file; `text` is what a JSON file holds, and undefined for others. */
export function roleOf(path: string, text?: string): FileRole {
  if (path.endsWith('.onnx')) return 'model';
  if (path.endsWith('.safetensors')) return 'parameters';
  if (text === undefined) return 'other';
  if (/"modelTopology"\s*:|"format"\s*:\s*"logah-graph"/.test(text)) return 'model';
  return /"model_type"\s*:/.test(text) || /(^|\/)config\.json$/.test(path) ? 'configuration' : 'other';
}

export interface Model {
  readonly path: string;
  /** Files that describe a network, too, and are taken for this one's: they are not read. */
  readonly beside: readonly string[];
}

/**
 * The file that describes the network: a model says more than the configuration beside it, and that more
 * than parameters. Throws Error where there is none, and where the files are of several networks, naming them.
 */
export function modelAmong(files: readonly FileWithRole[]): Model {
  const of = (wanted: FileRole): string[] => files.filter(({ role }) => role === wanted).map(({ path }) => path);
  const networks = [of('model'), of('configuration'), withoutFurtherShards(of('parameters'))];
  for (const alike of networks) if (alike.length > 1) throw several(alike);
  const all = networks.flat();
  const [first, ...beside] = all;
  // A JSON file of nothing that is known: what reads it says what is missing.
  const other = of('other').find((path) => path.endsWith('.json'));
  if (first === undefined && other !== undefined) return { path: other, beside: [] };
  if (first === undefined) {
    throw new Error(
      `${files.map(({ path }) => path).join(', ')}: not a network; an ONNX model (.onnx), the folder of a TensorFlow.js model, ` +
        'a config.json of transformers, a .graph.json or a .safetensors file would be one',
    );
  }
  if (all.some((path) => !areOfOneFolder(first, path))) throw several(all);
  return { path: first, beside };
}

const NUMBERS = ['no', 'one', 'two', 'three', 'four'];

const several = (paths: readonly string[]): Error =>
  new Error(
    `${NUMBERS[paths.length] ?? paths.length} networks were dropped, ${paths.slice(0, -1).join(', ')} and ${paths.at(-1)}; drop one`,
  );

/** One path for all of `model-00001-of-00003.safetensors`. */
function withoutFurtherShards(paths: readonly string[]): string[] {
  const whole = new Map<string, string>();
  for (const path of paths) {
    const name = path.replace(/-\d+-of-(\d+)\.safetensors$/, ' of $1');
    if (!whole.has(name)) whole.set(name, path);
  }
  return [...whole.values()];
}

/** Whether one of two files is in the other's folder, or deeper in it, as `onnx/model.onnx` beside `config.json`. */
function areOfOneFolder(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => path.slice(0, path.lastIndexOf('/') + 1));
  return first.startsWith(second) || second.startsWith(first);
}

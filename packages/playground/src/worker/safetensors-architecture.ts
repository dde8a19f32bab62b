// The architecture of a safetensors file: the one that its metadata names, or one whose parameters have its names and shapes.
import { counted } from '@logah/files';
import { buildArchitecture, type Graph, GraphError, parseArchitecture, VIT_NAMINGS, vitTensors } from '@logah/graph-ir';
import { checkCheckpoint } from '@logah/graph-ir/huggingface';
import type { Header } from '@logah/safetensors';

/** Both are of the same number of features for each head in all published sizes; the file does not say. */
const FEATURES_OF_A_HEAD = 64;

/**
 * The architecture of a file with this header, as text, and what of it was assumed.
 * Throws GraphError for a file that is of none of the known ones, naming the first tensor that differs.
 */
export function architectureOf(
  { tensors, metadata }: Header,
  source: string,
): { readonly text: string; readonly assumed: readonly string[] } {
  const { architecture, format } = metadata;
  if (format?.startsWith('logah')) {
    throw new GraphError(
      `${source}: a hypernetwork, not a network; \`logah predict ARCH --checkpoint ${source}\` uses it`,
    );
  }
  const isNamed = architecture !== undefined && !isFile(architecture);
  const found = isNamed
    ? { text: architecture, assumed: [] }
    : inferred((name) => tensors.get(name)?.shape, [...tensors.keys()]);
  if (found === undefined) {
    throw new GraphError(
      architecture === undefined
        ? `${source}: its tensors are not those of a known network (torchvision's vision transformer, transformers' GPT-2, ` +
            'or what `logah predict` wrote); drop its config.json or ONNX model instead'
        : `${source}: holds parameters for the network in ${architecture}, and not the network itself: drop that file instead`,
    );
  }
  const difference = differenceFrom(builtFor(found.text, source), tensors);
  if (difference !== undefined) {
    throw new GraphError(`${source}: looks like ${found.text}, but the tensor "${difference}" does not fit that`);
  }
  return found;
}

/** Whether the metadata names a file that described the network, not a preset. */
const isFile = (architecture: string): boolean => /[./\\]/.test(architecture);

/** The graph of an architecture that a file names. Throws GraphError with the file for one that there is not. */
function builtFor(text: string, source: string): Graph {
  try {
    return buildArchitecture(parseArchitecture(text));
  } catch (cause) {
    if (!(cause instanceof GraphError)) throw cause;
    throw new GraphError(`${source}: its metadata says the architecture "${text}": ${cause.message}`, { cause });
  }
}

/** The first tensor that is not as the graph has it, also under the names that other libraries have; undefined where all are. */
function differenceFrom(graph: Graph, tensors: Header['tensors']): string | undefined {
  const [difference] = checkCheckpoint(graph, tensors);
  if (difference === undefined) return undefined;
  const isOfOtherNames = VIT_NAMINGS.some((naming) => {
    if (naming === 'torchvision' || !isVisionTransformer(graph)) return false;
    const wanted = [...vitTensors(graph, naming).values()].flat();
    return (
      wanted.length === tensors.size &&
      wanted.every(({ name, shape }) => tensors.get(name)?.shape.join() === shape.join())
    );
  });
  return isOfOtherNames ? undefined : difference.name;
}

const isVisionTransformer = (graph: Graph): boolean =>
  graph.parameters.some(({ name }) => name === 'encoder.pos_embedding');

type ShapeOf = (name: string) => readonly number[] | undefined;

function inferred(shapeOf: ShapeOf, names: readonly string[]) {
  return vitOf(shapeOf, names) ?? gpt2Of(shapeOf, names);
}

function vitOf(shapeOf: ShapeOf, names: readonly string[]) {
  const [hidden, , patch] = shapeOf('conv_proj.weight') ?? [];
  const [, tokens] = shapeOf('encoder.pos_embedding') ?? [];
  const [mlp] = shapeOf('encoder.layers.encoder_layer_0.mlp.0.weight') ?? [];
  const [classes] = shapeOf('heads.head.weight') ?? [];
  if (!hidden || !patch || !tokens || !mlp || !classes) return undefined;
  const heads = headsOf(hidden);
  const layers = countOf(names, /^encoder\.layers\.encoder_layer_(\d+)\./);
  const image = patch * Math.round(Math.sqrt(tokens - 1));
  return {
    text: `vit:layers=${layers},heads=${heads},hidden=${hidden},mlp=${mlp},patch=${patch},classes=${classes},image=${image}`,
    assumed: [`${counted(heads, 'head')}: the file does not say how many`],
  };
}

function gpt2Of(shapeOf: ShapeOf, names: readonly string[]) {
  const own = (name: string): readonly number[] => shapeOf(`transformer.${name}`) ?? shapeOf(name) ?? [];
  const [vocab, hidden] = own('wte.weight');
  const [context] = own('wpe.weight');
  if (!vocab || !hidden || !context) return undefined;
  const heads = headsOf(hidden);
  const layers = countOf(names, /^(?:transformer\.)?h\.(\d+)\./);
  // A head of its own cannot be told from a tied one that was saved twice; a tied one is what GPT-2 has.
  return {
    text: `gpt2:layers=${layers},heads=${heads},hidden=${hidden},vocab=${vocab},context=${context},tied=true`,
    assumed: [`${counted(heads, 'head')}: the file does not say how many`, 'a head that is the token embedding'],
  };
}

/** The largest number of heads of at least the usual size that divides the features. */
function headsOf(hidden: number): number {
  let heads = Math.max(1, Math.floor(hidden / FEATURES_OF_A_HEAD));
  while (hidden % heads !== 0) heads--;
  return heads;
}

const countOf = (names: readonly string[], pattern: RegExp): number =>
  new Set(names.flatMap((name) => pattern.exec(name)?.[1] ?? [])).size;

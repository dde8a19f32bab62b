// The names that libraries of PyTorch have for the parameters of the same vision transformer.
import { elementCount, type Graph, GraphError, type Parameter } from './graph.js';

/** torchvision's names are those of the graph itself; timm's are of `VisionTransformer`, transformers' of `ViTForImageClassification`. */
export const VIT_NAMINGS = ['torchvision', 'transformers', 'timm'] as const;

export type VitNaming = (typeof VIT_NAMINGS)[number];

/** A tensor of a file: the elements of a parameter from `start` to before `end`, row-major. */
export interface NamedPart {
  readonly name: string;
  readonly shape: readonly number[];
  readonly start: number;
  readonly end: number;
}

/** What stands for torchvision's words, in the order in which they are replaced. `$1` is the number of a block. */
const TIMM: ReadonlyArray<readonly [pattern: RegExp, name: string]> = [
  [/^class_token$/, 'cls_token'],
  [/^encoder\.pos_embedding$/, 'pos_embed'],
  [/^conv_proj\./, 'patch_embed.proj.'],
  [/^encoder\.ln\./, 'norm.'],
  [/^heads\.head\./, 'head.'],
  [/^encoder\.layers\.encoder_layer_(\d+)\./, 'blocks.$1.'],
  [/\.ln_1\./, '.norm1.'],
  [/\.ln_2\./, '.norm2.'],
  [/\.self_attention\.in_proj_/, '.attn.qkv.'],
  [/\.self_attention\.out_proj\./, '.attn.proj.'],
  [/\.mlp\.0\./, '.mlp.fc1.'],
  [/\.mlp\.3\./, '.mlp.fc2.'],
];

const TRANSFORMERS: ReadonlyArray<readonly [pattern: RegExp, name: string]> = [
  [/^class_token$/, 'vit.embeddings.cls_token'],
  [/^encoder\.pos_embedding$/, 'vit.embeddings.position_embeddings'],
  [/^conv_proj\./, 'vit.embeddings.patch_embeddings.projection.'],
  [/^encoder\.ln\./, 'vit.layernorm.'],
  [/^heads\.head\./, 'classifier.'],
  [/^encoder\.layers\.encoder_layer_(\d+)\./, 'vit.encoder.layer.$1.'],
  [/\.ln_1\./, '.layernorm_before.'],
  [/\.ln_2\./, '.layernorm_after.'],
  [/\.self_attention\.out_proj\./, '.attention.output.dense.'],
  [/\.mlp\.0\./, '.intermediate.dense.'],
  [/\.mlp\.3\./, '.output.dense.'],
];

const QKV = /^(.*)\.self_attention\.in_proj_(weight|bias)$/;

/** What every vision transformer of torchvision has, and nothing else. */
const LANDMARKS = ['class_token', 'encoder.pos_embedding', 'conv_proj.weight', 'heads.head.weight'];

const replaced = (name: string, words: ReadonlyArray<readonly [RegExp, string]>): string =>
  words.reduce((text, [pattern, word]) => text.replace(pattern, word), name);

/**
 * The tensors that a library wants for the parameters of a vision transformer with torchvision's names, by parameter; transformers has one of queries, keys and
 * values each. Values are the same in all three, as is what they compute: norms have an epsilon of 1e-6 (`layer_norm_eps` of transformers).
 * Throws {@link GraphError} for other names than torchvision's of a graph that is no vision transformer of these names.
 */
export function vitTensors(graph: Graph, naming: VitNaming): Map<string, readonly NamedPart[]> {
  const names = new Set(graph.parameters.map(({ name }) => name));
  if (naming !== 'torchvision' && !LANDMARKS.every((name) => names.has(name)))
    throw new GraphError(
      `"${graph.name}" has no other names: those of ${naming} are known for vision transformers such as vit-s`,
    );
  return new Map(graph.parameters.map((parameter) => [parameter.name, partsOf(parameter, naming)]));
}

function partsOf({ name, shape }: Parameter, naming: VitNaming): readonly NamedPart[] {
  const whole = (own: string): readonly NamedPart[] => [{ name: own, shape, start: 0, end: elementCount(shape) }];
  if (naming === 'torchvision') return whole(name);
  if (naming === 'timm') return whole(replaced(name, TIMM));
  const [, block, role] = QKV.exec(name) ?? [];
  if (block === undefined) return whole(replaced(name, TRANSFORMERS));
  // Queries, keys and values are thirds of the rows.
  const third = [shape[0] / 3, ...shape.slice(1)];
  const size = elementCount(third);
  return ['query', 'key', 'value'].map((part, i) => ({
    name: `${replaced(`${block}.`, TRANSFORMERS)}attention.attention.${part}.${role}`,
    shape: third,
    start: i * size,
    end: (i + 1) * size,
  }));
}

// What PyTorch's state dictionaries hold beside parameters, and strict loading asks for.
import { elementCount, type Graph } from './graph.js';

/** A tensor of a state dictionary that is no parameter of its own: a second name of one, or a running statistic as it starts. */
export type ExtraState =
  | { readonly kind: 'tied'; readonly name: string; readonly shape: readonly number[]; readonly parameter: string }
  | { readonly kind: 'buffer'; readonly name: string; readonly shape: readonly number[]; readonly value: 0 | 1 };

/**
 * The tensors that `load_state_dict(…, strict=True)` wants beside the parameters, in the order of the operators: the
 * weight of a layer under its own name where it shares another's (GPT-2's head), a linear layer's bias that is kept
 * elsewhere (BERT's head), and batch norms' `running_mean` (0), `running_var` (1) and `num_batches_tracked` (0), as
 * PyTorch starts them.
 */
export function extraStates({ operators, parameters }: Graph): ExtraState[] {
  const shapeOf = new Map(parameters.map(({ name, shape }) => [name, shape]));
  const firstUse = new Map<string, string>();
  const extras: ExtraState[] = [];
  for (const { type, name, parameters: own } of operators) {
    const { weight } = own;
    const shape = weight === undefined ? undefined : shapeOf.get(weight);
    if (weight === undefined || shape === undefined) continue;
    const layerName = `${name}.weight`;
    const isTied = firstUse.has(weight) && weight !== layerName && !shapeOf.has(layerName);
    if (isTied) extras.push({ kind: 'tied', name: layerName, shape, parameter: weight });
    firstUse.set(weight, name);
    const biasShape = own.bias === undefined ? undefined : shapeOf.get(own.bias);
    const biasName = `${name}.bias`;
    const hasOwnNames = type === 'linear' && (isTied || weight === layerName);
    if (hasOwnNames && own.bias !== undefined && biasShape !== undefined && !shapeOf.has(biasName)) {
      extras.push({ kind: 'tied', name: biasName, shape: biasShape, parameter: own.bias });
    }
    const layer = /^(.*)\.weight$/.exec(weight)?.[1];
    if (type === 'batch_norm' && layer !== undefined) {
      const channels = [elementCount(shape)];
      extras.push(
        { kind: 'buffer', name: `${layer}.running_mean`, shape: channels, value: 0 },
        { kind: 'buffer', name: `${layer}.running_var`, shape: channels, value: 1 },
        { kind: 'buffer', name: `${layer}.num_batches_tracked`, shape: [], value: 0 },
      );
    }
  }
  return extras;
}

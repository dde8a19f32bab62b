// Which templates a hypernetwork has, and which of them a parameter is made of.
import type { ParameterPlace, ParameterRole, Target } from '@logah/graph-ir';
import type { TemplateBank } from '@logah/template-decoder';
import type { TemplateHypernetConfig } from './config.js';

/** Features of an MLP's hidden layer, for each feature of a token. */
export const MLP_RATIO = 4;

/** Of kernels, whose templates are always factored. */
const KERNEL_RANK = 16;

/** A part of a parameter: what mixes it, and what is mixed. Packed queries, keys and values are three. */
export interface TemplatePart {
  /** What has weights of its own in the mixture. */
  readonly kind: string;
  readonly bank: TemplateBank;
}

/**
 * The first deviations follow what transformers are started with: 0.6 / √fan_in for matrices, less for those that write into the residual stream; the
 * positional encoding is large, since most of what a predicted start gains over PyTorch's comes from its size.
 */
export function templateBanks(config: TemplateHypernetConfig): ReadonlyMap<string, TemplateBank> {
  const { maxChannels: width, maxKernel, classes, domain, templates, rank, tokens, patch } = config;
  const hidden = MLP_RATIO * width;
  const isVision = domain === 'vision';
  const spread = 0.6 / Math.sqrt(width);
  const banks: TemplateBank[] = [];
  const add = (name: string, shape: readonly number[], deviation: number, count = templates): void => {
    banks.push({ name: `templates.${name}`, shape, templates: count, rank: rankFor(shape, rank), deviation });
  };
  for (const name of ['query', 'key', 'value']) add(name, [width, width], spread);
  add('attention_out', [width, width], isVision ? spread : spread / 2);
  add('mlp_in', [hidden, width], spread);
  add('mlp_out', [width, hidden], spread / 4);
  if (isVision) add('patch_embedding', [width, 3 * patch ** 2], 0.7 / Math.sqrt(3 * patch ** 2), 1);
  else add('token_embedding', [classes, width], 0.3, 1);
  add('position', [tokens, width], isVision ? 0.7 : 0.1, 1);
  add('head', [classes, width], isVision ? spread : spread / 2, 1);
  banks.push({
    name: 'templates.kernel',
    shape: [width, width, maxKernel, maxKernel],
    templates,
    rank: KERNEL_RANK,
    deviation: spread,
  });
  for (const reader of ['attention', 'mlp', 'head', 'other']) {
    const count = reader === 'head' ? 1 : templates;
    add(`${reader}_norm_gain`, [width], 0, count);
    add(`${reader}_norm_bias`, [width], 0, count);
  }
  for (const name of ['query', 'key', 'value', 'attention_out', 'mlp_out']) add(`${name}_bias`, [width], 0);
  for (const name of ['mlp_in', 'kernel']) add(`${name}_bias`, [hidden], 0);
  if (isVision) add('patch_embedding_bias', [width], 0, 1);
  add('head_bias', [classes], 0, 1);
  return new Map(banks.map((bank) => [bank.name.slice('templates.'.length), bank]));
}

/** The configured rank where factors are at most half of what they make, else none. */
function rankFor(shape: readonly number[], rank: number): number {
  const [rows, columns] = shape;
  return shape.length === 2 && 2 * rank * (rows + columns) <= rows * columns ? rank : 0;
}

/** The banks of matrices and kernels by role; what is not here is made of the pool of kernels. */
const BANKS: ReadonlyMap<string, string> = new Map<ParameterRole, string>([
  ['patch_embedding', 'patch_embedding'],
  ['token_embedding', 'token_embedding'],
  ['position', 'position'],
  ['attention_query', 'query'],
  ['attention_key', 'key'],
  ['attention_value', 'value'],
  ['attention_out', 'attention_out'],
  ['mlp_in', 'mlp_in'],
  ['mlp_gate', 'mlp_in'],
  ['mlp_out', 'mlp_out'],
  ['head', 'head'],
]);

const PACKED: readonly ParameterRole[] = ['attention_query', 'attention_key', 'attention_value'];

/** Every kind of target that the mixture tells apart. Checkpoints have rows in this order: what is new comes last. */
export const TARGET_KINDS: readonly string[] = [
  ...[...BANKS.keys(), 'kernel', 'depthwise_kernel', 'pointwise_kernel', 'linear', 'other'].flatMap((role) => [
    role,
    `${role}_bias`,
  ]),
  ...['attention', 'mlp', 'head', 'other'].flatMap((reader) => [`${reader}_norm_gain`, `${reader}_norm_bias`]),
];

/** The parts of a target, in the order in which they lie along its first output axis. */
export function partsOf({ place, parameter }: Target, banks: ReadonlyMap<string, TemplateBank>): TemplatePart[] {
  const { role, around } = place;
  if (parameter.shape.length === 4 && role !== 'patch_embedding') return [part(role, 'kernel', banks)];
  if (role === 'norm_gain' || role === 'norm_bias') {
    const name = `${around === 'tied_head' ? 'head' : around}_${role}`;
    return [part(name, name, banks)];
  }
  const suffix = role === 'bias' ? '_bias' : '';
  const roles = around === 'attention_qkv' ? PACKED : [around];
  return roles.map((name) => part(`${name}${suffix}`, `${bankName(name, suffix, banks)}${suffix}`, banks));
}

/** What a role's templates are called, if this configuration has any of them. */
function bankName(role: ParameterPlace['around'], suffix: string, banks: ReadonlyMap<string, TemplateBank>): string {
  const name = BANKS.get(role);
  return name !== undefined && banks.has(`${name}${suffix}`) ? name : 'kernel';
}

function part(kind: string, name: string, banks: ReadonlyMap<string, TemplateBank>): TemplatePart {
  const bank = banks.get(name);
  if (bank === undefined) throw new Error(`no templates are called "${name}"`);
  return { kind, bank };
}

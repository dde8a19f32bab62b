export { adaptivePoolShares } from './adaptive-pool.js';
export {
  ARCHITECTURE_PRESETS,
  type Architecture,
  buildArchitecture,
  formatArchitecture,
  parseArchitecture,
} from './architecture.js';
export { withBatchStatistics } from './batch-statistics.js';
export { type Conv2dOptions, GraphBuilder, type LinearOptions, type PoolOptions, type ValueRef } from './builder.js';
export { buildConvnext, type ConvnextConfig } from './builders/convnext.js';
export { buildDensenet, type DensenetConfig } from './builders/densenet.js';
export { buildEfficientnet, type EfficientnetConfig } from './builders/efficientnet.js';
export { buildGpt2, type Gpt2Config } from './builders/gpt2.js';
export { buildLlama, type LlamaConfig } from './builders/llama.js';
export { buildMobilenet, type MobilenetConfig } from './builders/mobilenet.js';
export { buildResnet, type ResnetConfig } from './builders/resnet.js';
export { buildVgg, type VggConfig } from './builders/vgg.js';
export { buildVit, type VitConfig } from './builders/vit.js';
export {
  type ComputationalGraph,
  type ComputationalNode,
  type LoweringOptions,
  NODE_TYPES,
  type NodeType,
  type Target,
  type TargetRole,
  toComputationalGraph,
} from './computational-graph.js';
export { estimateCost, type NetworkCost } from './cost.js';
export { type Dataflow, dataflow } from './dataflow.js';
export {
  type ActivationFunction,
  ANY_SHAPE,
  type Constant,
  classLayer,
  type Dimension,
  elementCount,
  type Graph,
  GraphError,
  type Layout,
  layerWeights,
  type OnnxAttribute,
  type OnnxOperand,
  type Operator,
  type OperatorAttributes,
  type OperatorOf,
  type OperatorType,
  type Padding,
  type Parameter,
  parameterCount,
  type Shape,
  type TensorType,
  type Window,
} from './graph.js';
export { graphFromJson, graphToJson } from './json.js';
export { didYouMean } from './nearest.js';
export {
  integer as integerAttribute,
  integers as integersAttribute,
  real as floatAttribute,
  text as textAttribute,
} from './onnx-attributes.js';
export {
  type NormReader,
  PARAMETER_ROLES,
  type ParameterPlace,
  type ParameterRole,
  parameterPlaces,
  parameterRoles,
} from './parameter-roles.js';
export { type ExtraState, extraStates } from './state-dict.js';
export { type ComputationalGraphSummary, summarizeComputationalGraph } from './summary.js';
export { validate } from './validate.js';
export { type NamedPart, VIT_NAMINGS, type VitNaming, vitTensors } from './vit-names.js';

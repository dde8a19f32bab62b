// What ONNX's operators take and give, as its specification (1.23, opset 28) has them; made from `onnx.defs` of the Python package.

/** An operator's name, the opset that it came with, how many operands and results it has, and its attributes: "!" for those that it needs, "@" for later opsets. */
const TABLE = `
Abs 1 1-1 1-1
Acos 7 1-1 1-1
Acosh 9 1-1 1-1
Add 1 2-2 1-1
AffineGrid 20 2-2 1-1 align_corners
And 1 2-2 1-1
ArgMax 1 1-1 1-1 select_last_index,keepdims,axis
ArgMin 1 1-1 1-1 select_last_index,keepdims,axis
Asin 7 1-1 1-1
Asinh 9 1-1 1-1
Atan 7 1-1 1-1
Atanh 9 1-1 1-1
Attention 23 3-7 1-4 right_window_size@25,left_window_size@25,qk_matmul_output_mode@23,softcap@23,softmax_precision@23,kv_num_heads@23,q_num_heads@23,scale@23,is_causal@23
AveragePool 1 1-1 1-1 count_include_pad,dilations,ceil_mode,pads,auto_pad,strides,kernel_shape!
BatchNormalization 1 5-5 1-3 training_mode,momentum,epsilon
Bernoulli 15 1-1 1-1 dtype,seed
BitCast 26 1-1 1-1 to!@26
BitShift 11 2-2 1-1 direction!
BitwiseAnd 18 2-2 1-1
BitwiseNot 18 1-1 1-1
BitwiseOr 18 2-2 1-1
BitwiseXor 18 2-2 1-1
BlackmanWindow 17 1-1 1-1 periodic,output_datatype
Cast 1 1-1 1-1 round_mode@24,saturate,to!
CastLike 15 2-2 1-1 round_mode@24,saturate
CausalConvWithState 27 2-4 2-2 activation@27
Ceil 1 1-1 1-1
Celu 12 1-1 1-1 alpha
CenterCropPad 18 2-2 1-1 axes
Clip 1 1-3 1-1
Col2Im 18 3-3 1-1 strides,pads,dilations
Compress 9 2-2 1-1 axis
Concat 1 1-n 1-1 axis!
ConcatFromSequence 11 1-1 1-1 new_axis,axis!
Constant 1 0-0 1-1 value_strings,value_string,value_floats,value_float,value_ints,value_int,sparse_value,value
ConstantOfShape 9 1-1 1-1 value
Conv 1 2-3 1-1 group,pads,auto_pad,strides,dilations,kernel_shape
ConvInteger 10 2-4 1-1 group,pads,strides,dilations,kernel_shape,auto_pad
ConvTranspose 1 2-3 1-1 group,auto_pad,strides,pads,output_padding,dilations,output_shape,kernel_shape
Cos 7 1-1 1-1
Cosh 9 1-1 1-1
CumProd 26 2-2 1-1 reverse@26,exclusive@26
CumSum 11 2-2 1-1 reverse,exclusive
DFT 17 1-3 1-1 inverse,onesided
DeformConv 19 3-5 1-1 strides,pads,offset_group,kernel_shape,group,dilations
DepthToSpace 1 1-1 1-1 mode,blocksize!
DequantizeLinear 10 2-3 1-1 output_dtype@23,block_size@21,axis
Det 11 1-1 1-1
Div 1 2-2 1-1
Dropout 1 1-3 1-2 seed
DynamicQuantizeLinear 11 1-1 3-3
Einsum 12 1-n 1-1 equation!
Elu 1 1-1 1-1 alpha
Equal 1 2-2 1-1
Erf 9 1-1 1-1
Exp 1 1-1 1-1
Expand 8 2-2 1-1
EyeLike 9 1-1 1-1 dtype,k
Flatten 1 1-1 1-1 axis
Floor 1 1-1 1-1
GRU 1 3-6 0-2 clip,activation_beta,activation_alpha,hidden_size,layout,direction,linear_before_reset,activations
Gather 1 2-2 1-1 axis
GatherElements 11 2-2 1-1 axis
GatherND 11 2-2 1-1 batch_dims
Gelu 20 1-1 1-1 approximate
Gemm 1 2-3 1-1 beta,transB,alpha,transA
GlobalAveragePool 1 1-1 1-1
GlobalLpPool 1 1-1 1-1 p
GlobalMaxPool 1 1-1 1-1
Greater 1 2-2 1-1
GreaterOrEqual 12 2-2 1-1
GridSample 16 2-2 1-1 align_corners,padding_mode,mode
GroupNormalization 18 3-3 1-1 stash_type@21,num_groups!,epsilon
HammingWindow 17 1-1 1-1 periodic,output_datatype
HannWindow 17 1-1 1-1 periodic,output_datatype
HardSigmoid 1 1-1 1-1 beta,alpha
HardSwish 14 1-1 1-1
Hardmax 1 1-1 1-1 axis
Identity 1 1-1 1-1
If 1 1-1 1-n else_branch!,then_branch!
ImageDecoder 20 1-1 1-1 pixel_format
InstanceNormalization 1 3-3 1-1 epsilon
IsInf 10 1-1 1-1 detect_negative,detect_positive
IsNaN 9 1-1 1-1
LRN 1 1-1 1-1 bias,beta,alpha,size!
LSTM 1 3-8 0-3 clip,activation_beta,activation_alpha,hidden_size,direction,input_forget,layout,activations
LayerNormalization 17 2-3 1-3 stash_type,epsilon,axis
LeakyRelu 1 1-1 1-1 alpha
Less 1 2-2 1-1
LessOrEqual 12 2-2 1-1
LinearAttention 27 3-6 2-2 chunk_size@27,kv_num_heads!@27,q_num_heads!@27,scale@27,update_rule@27
Log 1 1-1 1-1
LogSoftmax 1 1-1 1-1 axis
Loop 1 2-n 1-n body!
LpNormalization 1 1-1 1-1 p,axis
LpPool 1 1-1 1-1 p,pads,auto_pad,ceil_mode,dilations,strides,kernel_shape!
MatMul 1 2-2 1-1
MatMulInteger 10 2-4 1-1
Max 1 1-n 1-1
MaxPool 1 1-1 1-2 storage_order,dilations,ceil_mode,pads,auto_pad,strides,kernel_shape!
MaxRoiPool 1 2-2 1-1 spatial_scale,pooled_shape!
MaxUnpool 9 2-3 1-1 pads,strides,kernel_shape!
Mean 1 1-n 1-1
MeanVarianceNormalization 9 1-1 1-1 axes
MelWeightMatrix 17 5-5 1-1 output_datatype
Min 1 1-n 1-1
Mish 18 1-1 1-1
Mod 10 2-2 1-1 fmod
Mul 1 2-2 1-1
Multinomial 7 1-1 1-1 dtype,seed,sample_size
Neg 1 1-1 1-1
NegativeLogLikelihoodLoss 12 2-3 1-1 ignore_index,reduction
NonMaxSuppression 10 2-5 1-1 center_point_box
NonZero 9 1-1 1-1
Not 1 1-1 1-1
OneHot 9 3-3 1-1 axis
Optional 15 0-1 1-1 type
OptionalGetElement 15 1-1 1-1
OptionalHasElement 15 0-1 1-1
Or 1 2-2 1-1
PRelu 1 2-2 1-1
Pad 1 2-4 1-1 mode
Pow 1 2-2 1-1
QLinearConv 10 8-9 1-1 group,pads,strides,dilations,kernel_shape,auto_pad
QLinearMatMul 10 8-8 1-1
QuantizeLinear 10 2-3 1-1 precision@23,output_dtype@21,block_size@21,saturate,axis
RMSNormalization 23 2-2 1-1 stash_type@23,epsilon@23,axis@23
RNN 1 3-6 0-2 clip,activation_beta,activation_alpha,hidden_size,layout,direction,activations
RandomNormal 1 0-0 1-1 shape!,dtype,seed,scale,mean
RandomNormalLike 1 1-1 1-1 dtype,seed,scale,mean
RandomUniform 1 0-0 1-1 shape!,dtype,seed,high,low
RandomUniformLike 1 1-1 1-1 dtype,seed,high,low
Range 11 3-3 1-1 stash_type@27
Reciprocal 1 1-1 1-1
ReduceL1 1 1-2 1-1 noop_with_empty_axes,keepdims
ReduceL2 1 1-2 1-1 noop_with_empty_axes,keepdims
ReduceLogSum 1 1-2 1-1 noop_with_empty_axes,keepdims
ReduceLogSumExp 1 1-2 1-1 noop_with_empty_axes,keepdims
ReduceMax 1 1-2 1-1 noop_with_empty_axes,keepdims
ReduceMean 1 1-2 1-1 noop_with_empty_axes,keepdims
ReduceMin 1 1-2 1-1 noop_with_empty_axes,keepdims
ReduceProd 1 1-2 1-1 noop_with_empty_axes,keepdims
ReduceSum 1 1-2 1-1 noop_with_empty_axes,keepdims
ReduceSumSquare 1 1-2 1-1 noop_with_empty_axes,keepdims
RegexFullMatch 20 1-1 1-1 pattern
Relu 1 1-1 1-1
Reshape 1 2-2 1-1 allowzero
Resize 10 1-4 1-1 keep_aspect_ratio_policy,axes,antialias,extrapolation_value,exclude_outside,nearest_mode,coordinate_transformation_mode,cubic_coeff_a,mode
ReverseSequence 10 2-2 1-1 batch_axis,time_axis
RoiAlign 10 3-3 1-1 coordinate_transformation_mode,mode,output_height,sampling_ratio,output_width,spatial_scale
RotaryEmbedding 23 3-4 1-1 num_heads@23,rotary_embedding_dim@23,interleaved@23
Round 11 1-1 1-1
STFT 17 2-4 1-1 onesided
Scan 8 1-n 1-n scan_input_axes,scan_output_axes,scan_output_directions,scan_input_directions,num_scan_inputs!,body!
ScatterElements 11 3-3 1-1 reduction,axis
ScatterND 11 3-3 1-1 reduction
Selu 1 1-1 1-1 gamma,alpha
SequenceAt 11 2-2 1-1
SequenceConstruct 11 1-n 1-1
SequenceEmpty 11 0-0 1-1 dtype
SequenceErase 11 1-2 1-1
SequenceInsert 11 2-3 1-1
SequenceLength 11 1-1 1-1
SequenceMap 17 1-n 1-n body!
Shape 1 1-1 1-1 end,start
Shrink 9 1-1 1-1 bias,lambd
Sigmoid 1 1-1 1-1
Sign 9 1-1 1-1
Sin 7 1-1 1-1
Sinh 9 1-1 1-1
Size 1 1-1 1-1
Slice 1 3-5 1-1
Softmax 1 1-1 1-1 axis
SoftmaxCrossEntropyLoss 12 2-3 1-2 ignore_index,reduction
Softplus 1 1-1 1-1
Softsign 1 1-1 1-1
SpaceToDepth 1 1-1 1-1 mode@28,blocksize!
Split 1 1-2 1-n num_outputs,axis
SplitToSequence 11 1-2 1-1 keepdims,axis
Sqrt 1 1-1 1-1
Squeeze 1 1-2 1-1
StringConcat 20 2-2 1-1
StringNormalizer 10 1-1 1-1 stopwords,locale,is_case_sensitive,case_change_action
StringSplit 20 1-1 2-2 maxsplit,delimiter
Sub 1 2-2 1-1
Sum 1 1-n 1-1
SwiGLU 28 2-2 1-1 alpha@28
Swish 24 1-1 1-1 alpha@24
Tan 7 1-1 1-1
Tanh 1 1-1 1-1
TensorScatter 24 2-3 1-1 mode@24,axis@24
TfIdfVectorizer 9 1-1 1-1 mode!,ngram_indexes!,weights,ngram_counts!,pool_int64s,pool_strings,max_skip_count!,min_gram_length!,max_gram_length!
ThresholdedRelu 10 1-1 1-1 alpha
Tile 1 2-2 1-1
TopK 1 2-2 2-2 sorted,largest,axis
Transpose 1 1-1 1-1 perm
Trilu 14 1-2 1-1 upper
Unique 11 1-1 1-4 axis,sorted
Unsqueeze 1 2-2 1-1
Where 9 3-3 1-1
Xor 1 2-2 1-1
`;

export interface Schema {
  readonly since: number;
  readonly inputs: readonly [least: number, most: number];
  readonly outputs: readonly [least: number, most: number];
  /** The opset from which each attribute is known. */
  readonly attributes: ReadonlyMap<string, number>;
  readonly required: readonly string[];
}

const range = (text: string): [number, number] => {
  const [least, most] = text.split('-');
  return [Number(least), most === 'n' ? Number.POSITIVE_INFINITY : Number(most)];
};

function schemaOf(line: string): readonly [name: string, schema: Schema] {
  const [name, since, inputs, outputs, attributes = ''] = line.split(' ');
  const parsed = attributes
    .split(',')
    .filter((text) => text !== '')
    .map((text) => {
      const [key, opset] = text.replace('!', '').split('@');
      return { key, opset: Number(opset ?? 1), isRequired: text.includes('!') };
    });
  return [
    name,
    {
      since: Number(since),
      inputs: range(inputs),
      outputs: range(outputs),
      attributes: new Map(parsed.map(({ key, opset }) => [key, opset])),
      required: parsed.filter(({ isRequired }) => isRequired).map(({ key }) => key),
    },
  ];
}

/** ONNX's operators by name. */
export const SCHEMAS: ReadonlyMap<string, Schema> = new Map(TABLE.trim().split('\n').map(schemaOf));

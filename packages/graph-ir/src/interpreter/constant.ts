// Constants of a graph as tensors, and back.

import { dtypeOf } from '../element-types.js';
import type { Constant } from '../graph.js';
import type { Tensor } from './tensor.js';

export const constantTensor = ({ dtype, element, shape, values }: Constant): Tensor => ({
  type: element ?? dtype,
  shape,
  values,
});

export function constantOf({ type, shape, values }: Tensor): Constant {
  const dtype = dtypeOf(type);
  return { dtype, ...(type === dtype ? {} : { element: type }), shape, values: Array.from(values) };
}

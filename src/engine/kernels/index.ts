/** The table of all kernels that can be recorded. To support another tfjs kernel, add its lowering to one of these files. */
import { convolutions } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import { fused } from './fused.ts';
import type { Lowering } from './lowering.ts';
import { matrixProducts } from './matmul.ts';
import { reductions } from './reduction.ts';
import { shapes } from './shape.ts';

export const lowerings: Readonly<Record<string, Lowering>> = {
  ...elementwise,
  ...reductions,
  ...shapes,
  ...matrixProducts,
  ...fused,
  ...convolutions,
};

/** The table of all kernels that can be recorded. To support another tfjs kernel, add its lowering to one of these files. */

import { convolutions } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import { fused } from './fused.ts';
import { indexing } from './indexing.ts';
import type { Lowering } from './lowering.ts';
import { matrixProducts } from './matmul.ts';
import { nhwcConvolutions } from './nhwc-convolution.ts';
import { pooling } from './pooling.ts';
import { reductions } from './reduction.ts';
import { resizing } from './resizing.ts';
import { shapes } from './shape.ts';
import { spaceToBatchKernels } from './space-to-batch.ts';
import { tfjsFused } from './tfjs-fused.ts';

export const lowerings: Readonly<Record<string, Lowering>> = {
  ...elementwise,
  ...reductions,
  ...shapes,
  ...matrixProducts,
  ...fused,
  ...convolutions,
  ...nhwcConvolutions,
  ...pooling,
  ...resizing,
  ...tfjsFused,
  ...indexing,
  ...spaceToBatchKernels,
};

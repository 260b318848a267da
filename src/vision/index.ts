/** Visual front ends: pictures as vectors for a language model. */
export { type VisualFrontEndConfig, visualFrontEndConfigSchema } from './config.ts';
export {
  type VisualFrontEndParams,
  type VisualInputs,
  visualFrontEnd,
  visualFrontEndSpec,
  visualStates,
} from './front-end.ts';
export type { Instruction } from './q-former.ts';

/** What a user loads. */

export { type InferenceStatus, inference } from './inference.ts';
export * from './unidiffuser/index.ts';

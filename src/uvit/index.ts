/** The U-ViT networks: UniDiffuser's joint noise predictor and the plain one. */
export { type PlainUvitConfig, plainUvitConfigSchema, type UvitConfig, uvitConfigSchema } from './config.ts';
export { type PlainUvitParams, plainUvit, plainUvitSpec } from './plain.ts';
export { type UvitInputs, type UvitParams, uvit, uvitSpec } from './unidiffuser.ts';

/** The U-ViT networks: U-ViT itself, and UniDiffuser's joint noise predictor. */
export { type JointUvitConfig, jointUvitConfigSchema, type UvitConfig, uvitConfigSchema } from './config.ts';
export { type JointUvitInputs, type JointUvitParams, jointUvit, jointUvitSpec } from './joint.ts';
export { repatch } from './repatch.ts';
export { type UvitParams, uvit, uvitSpec } from './uvit.ts';

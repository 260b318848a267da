/** Vokens: the tokens by which a language model draws, and what makes them the context of a U-Net. */
export { type VokenMapperConfig, vokenMapperConfigSchema } from './config.ts';
export { type VokenMapperParams, type VokenMapping, vokenMapper, vokenMapperSpec } from './mapper.ts';

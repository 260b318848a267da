/** The networks of a MiniGPT-5 model, compiled for a device: the language model, eyes, mapper, and what draws. */
import { fixedLimit, MeasuredLimit } from '../../batching/batch-limit.ts';
import { BatchingDriver } from '../../batching/batching-driver.ts';
import { DuetError } from '../../core/errors.ts';
import { type CompileOptions, compile, type Executable, type RunOptions } from '../../engine/index.ts';
import type { Pixels } from '../../image/index.ts';
import { decodingProgram, llamaModel, llamaPositions } from '../../lm/index.ts';
import { type VisualFrontEndParams, visualFrontEnd } from '../../vision/index.ts';
import { extendedModel, type VokenMapperParams, vokenMapper } from '../../vokens/index.ts';
import { CompiledDecoder, SharedDecoder } from '../compiled-decoder.ts';
import type { LoadOptions } from '../family.ts';
import type { Contexts, StableDiffusionParts } from '../stable-diffusion/calls/draw.ts';
import { loadParts } from '../stable-diffusion/load.ts';
import { visualInput } from '../visual-input.ts';
import type { FrontEnd, MiniGpt5Folder } from './model-folder.ts';

/** Prompts that are read in one call: what decodes waits meanwhile. */
const promptsAtOnce = 8;

export interface MiniGpt5Networks {
  readonly decoder: SharedDecoder;
  /** Draws a context. */
  readonly drawing: StableDiffusionParts;
  /** Whether pictures can be given. */
  readonly sees: boolean;
  /** A picture as vectors among the language model's embeddings, [N, W]. */
  see(picture: Pixels, options?: RunOptions): Promise<Float32Array>;
  /** What the U-Net looks at for the states of one picture's vokens, [V, W], and without a condition. */
  contextsOf(states: Float32Array, options?: RunOptions): Promise<Contexts>;
  /** Idempotent. */
  release(): Promise<void>;
}

export async function createNetworks(folder: MiniGpt5Folder, options: LoadOptions): Promise<MiniGpt5Networks> {
  const { maxBatch, precision = 'fp32', signal, ...common } = options;
  const drawing = await loadParts(folder.diffusion, options);
  checkContext(folder, drawing);
  const driver = new BatchingDriver();
  const rows = maxBatch === undefined ? new MeasuredLimit() : fixedLimit(maxBatch);
  const decoder = new SharedDecoder(await createDecoder(folder, common), driver, { prompts: promptsAtOnce, rows });
  const mapper = await compileMapper(folder, common);
  const eyes = folder.frontEnd && (await compileEyes(folder.frontEnd, common));
  const { vokens } = folder.config.vocabulary;
  const { inputWidth } = folder.config.mapper;
  const mapped = async (states: Float32Array, run: RunOptions = {}): Promise<Float32Array> => {
    const shape = [1, vokens.length, inputWidth];
    const { context } = await mapper.run({ states: { dtype: 'float32', shape, data: states } }, run);
    return context!.data as Float32Array;
  };
  let unconditional: Promise<Float32Array> | undefined;
  return {
    decoder,
    drawing,
    sees: eyes !== undefined,
    see: async (picture, run = {}) => {
      const { network, input } = folder.frontEnd!;
      const { imageSize: side, channels } = network.tower;
      const data = visualInput(picture, side, input);
      const { vectors } = await eyes!.run(
        { pixels: { dtype: 'float32', shape: [1, channels, side, side], data } },
        run,
      );
      return vectors!.data as Float32Array;
    },
    contextsOf: async (states, run) => {
      // Computed once, and again if that failed.
      unconditional ??= mapped(new Float32Array(states.length)).catch(error => {
        unconditional = undefined;
        throw error;
      });
      return { context: await mapped(states, run), negative: await unconditional };
    },
    release: async () => {
      driver.close();
      await Promise.all([decoder.release(), mapper.release(), eyes?.release(), drawing.networks.release()]);
    },
  };
}

/** @throws DuetError 'invalid-config' if the mapper does not make what the U-Net looks at */
function checkContext(
  { config: { name, mapper } }: MiniGpt5Folder,
  { config, textTokens }: StableDiffusionParts,
): void {
  if (mapper.width === config.unet.contextWidth && mapper.queries === textTokens) return;
  throw new DuetError(
    'invalid-config',
    `${name}: the mapper makes ${mapper.queries} vectors of width ${mapper.width}, the U-Net of ${config.name} looks at ${textTokens} of width ${config.unet.contextWidth}`,
  );
}

function createDecoder({ language, rows }: MiniGpt5Folder, options: CompileOptions): Promise<CompiledDecoder> {
  const { config, params } = language;
  const base = llamaModel(config);
  const compileOptions = { ...options, name: 'llama' };
  const { width } = config;
  const positions = llamaPositions(config);
  const vectors = { width, embed: <P>(_: P, own: Parameters<typeof base.extend>[1]['embeddings']) => own };
  if (!rows) {
    const program = decodingProgram({ model: base, params: (own: Parameters<typeof base.embed>[0]) => own, vectors });
    return CompiledDecoder.create(program, { params, positions }, compileOptions);
  }
  const model = extendedModel(base, config.vocabularySize);
  const program = decodingProgram({ model, params: (own: Parameters<typeof model.embed>[0]) => own, vectors });
  return CompiledDecoder.create(program, { params: { base: params, rows }, positions }, compileOptions);
}

function compileMapper(
  { config: { mapper: config, vocabulary }, mapper }: MiniGpt5Folder,
  options: CompileOptions,
): Promise<Executable> {
  return compile<VokenMapperParams, undefined>(
    ({ params, inputs }) => ({ outputs: { context: vokenMapper(params, inputs['states']!, config).context } }),
    {
      params: mapper,
      inputs: { states: { dtype: 'float32', shape: [1, vocabulary.vokens.length, config.inputWidth] } },
    },
    { ...options, name: 'voken-mapper' },
  );
}

function compileEyes({ network, params }: FrontEnd, options: CompileOptions): Promise<Executable> {
  const { imageSize, channels } = network.tower;
  return compile<VisualFrontEndParams, undefined>(
    ({ params: own, inputs }) => ({
      outputs: { vectors: visualFrontEnd(own, { pixels: inputs['pixels']! }, network) },
    }),
    { params, inputs: { pixels: { dtype: 'float32', shape: [1, channels, imageSize, imageSize] } } },
    { ...options, name: 'visual-front-end' },
  );
}

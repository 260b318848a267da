/** The networks of a chat model, compiled for a device: the language model, eyes, and what draws. */
import { join } from 'node:path';
import { fixedLimit, MeasuredLimit } from '../../batching/batch-limit.ts';
import { BatchingDriver } from '../../batching/batching-driver.ts';
import { DuetError } from '../../core/errors.ts';
import { type CompileOptions, compile, type Executable, type Precision, type RunOptions } from '../../engine/index.ts';
import { decodingProgram } from '../../lm/index.ts';
import { type VokenMapperParams, vokenMapper } from '../../vokens/index.ts';
import { CompiledDecoder, SharedDecoder } from '../compiled-decoder.ts';
import type { ContextDrawer, DiffusionModel } from '../context-drawer.ts';
import { isFile } from '../diffusers-folder.ts';
import type { LoadOptions } from '../family.ts';
import type { Contexts } from '../stable-diffusion/calls/draw.ts';
import { loadDiffusionModel as loadStableDiffusion } from '../stable-diffusion/load.ts';
import { loadDiffusionModel as loadUniDiffuser } from '../unidiffuser/load.ts';
import type { ChatFolder, Drawing } from './chat-folder.ts';
import { createEyes, type Eyes } from './eyes.ts';

/** Prompts that are read in one call: what decodes waits meanwhile. */
const promptsAtOnce = 8;

/** What makes pictures of the language model's states. */
export interface DrawingNetworks extends Pick<DiffusionModel, 'drawer' | 'pipeline' | 'calls'> {
  readonly precision: Precision;
  /** What it looks at for the states of one picture's vokens, [V, W], and without a condition. */
  contextsOf(states: Float32Array, options?: RunOptions): Promise<Contexts>;
}

export interface ChatNetworks {
  readonly decoder: SharedDecoder;
  /** Absent in models that do not draw. */
  readonly drawing?: DrawingNetworks;
  /** Absent in models that are given no pictures. */
  readonly see?: Eyes['see'];
  /** Idempotent. */
  release(): Promise<void>;
}

export async function createNetworks(folder: ChatFolder, options: LoadOptions): Promise<ChatNetworks> {
  const { maxBatch, precision = 'fp32', signal, ...common } = options;
  const driver = new BatchingDriver();
  const rows = maxBatch === undefined ? new MeasuredLimit() : fixedLimit(maxBatch);
  const decoder = new SharedDecoder(await createDecoder(folder, common), driver, { prompts: promptsAtOnce, rows });
  const drawing = folder.drawing && (await createDrawing(folder, folder.drawing, options));
  const eyes = folder.frontEnd && (await createEyes(folder.frontEnd, common));
  return {
    decoder,
    ...(drawing && { drawing: drawing.networks }),
    ...(eyes && { see: eyes.see }),
    release: async () => {
      driver.close();
      await Promise.all([decoder.release(), eyes?.release(), drawing?.release()]);
    },
  };
}

async function createDrawing({ name, vocabulary }: ChatFolder, drawing: Drawing, options: LoadOptions) {
  const { maxBatch, precision = 'fp32', signal, ...common } = options;
  const { drawer, pipeline, calls, release } = await loadDiffusion(drawing.folder, options);
  checkContext(name, drawing, drawer);
  const mapper = await compileMapper(drawing, vocabulary.vokens.length, common);
  const mapped = async (states: Float32Array, run: RunOptions = {}): Promise<Float32Array> => {
    const shape = [1, vocabulary.vokens.length, drawing.mapper.inputWidth];
    const { context } = await mapper.run({ states: { dtype: 'float32', shape, data: states } }, run);
    return context!.data as Float32Array;
  };
  let unconditional: Promise<Float32Array> | undefined;
  const networks: DrawingNetworks = {
    drawer,
    pipeline,
    calls,
    precision,
    contextsOf: async (states, run) => {
      // Computed once, and again if that failed.
      unconditional ??= mapped(new Float32Array(states.length)).catch(error => {
        unconditional = undefined;
        throw error;
      });
      return { context: await mapped(states, run), negative: await unconditional };
    },
  };
  return { networks, release: () => Promise.all([mapper.release(), release()]) };
}

/** Folders of diffusers have no config.json of their own. */
async function loadDiffusion(folder: string, options: LoadOptions): Promise<DiffusionModel> {
  const isOwn = await isFile(join(folder, 'config.json'));
  return isOwn ? loadUniDiffuser(folder, options) : loadStableDiffusion(folder, options);
}

/** @throws DuetError 'invalid-config' if the mapper does not make what is looked at */
function checkContext(name: string, { mapper }: Drawing, drawer: ContextDrawer): void {
  if (mapper.width === drawer.width && mapper.queries === drawer.tokens) return;
  throw new DuetError(
    'invalid-config',
    `${name}: the mapper makes ${mapper.queries} vectors of width ${mapper.width}, ${drawer.name} draws from ${drawer.tokens} of width ${drawer.width}`,
  );
}

function createDecoder({ language }: ChatFolder, options: CompileOptions): Promise<CompiledDecoder> {
  const { model, params, width, positions } = language.network;
  const program = decodingProgram({
    model,
    params: own => own,
    vectors: { width, embed: (_, vectors) => vectors },
  });
  return CompiledDecoder.create(program, { params, positions }, { ...options, name: 'language-model' });
}

function compileMapper(
  { mapper: config, params }: Drawing,
  vokens: number,
  options: CompileOptions,
): Promise<Executable> {
  return compile<VokenMapperParams, undefined>(
    ({ params: own, inputs }) => ({ outputs: { context: vokenMapper(own, inputs['states']!, config).context } }),
    { params, inputs: { states: { dtype: 'float32', shape: [1, vokens, config.inputWidth] } } },
    { ...options, name: 'voken-mapper' },
  );
}

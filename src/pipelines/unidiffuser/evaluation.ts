/** A loaded model as evaluation sees it (plain bytes and strings, many conditions at a time). */

import type { CallOptions } from '../../batching/batching-driver.ts';
import { type ClipParams, clipText, endPositions, poolAtEnd, projectText } from '../../clip/index.ts';
import { unstackRows } from '../../core/rows.ts';
import { compile, type Executable } from '../../engine/index.ts';
import type { EvalModel, JointSample, SampleSettings } from '../../eval/model.ts';
import type { Pixels } from '../../image/index.ts';
import type { LoadOptions } from '../family.ts';
import { findModel } from '../find-model.ts';
import type { NetworkChoice } from './calls/options.ts';
import { defaultsOf, networkOf, parseRequest } from './calls/requests.ts';
import { type Model, readModelFolder } from './model-folder.ts';
import { CompiledNetworks } from './networks/compiled-networks.ts';
import { denormaliseLatent } from './networks/normalise-latents.ts';
import type { Mode, SampleLatents } from './sampling/index.ts';
import { samplerOf } from './sampling/sampler-of.ts';

/** Captions in one call of the embedder. */
const embedBatch = 64;

export interface EvalOptions extends LoadOptions {
  /** What draws. @default as the model says */
  readonly network?: NetworkChoice;
}

/**
 * Loads a model for evaluation; `release` frees it.
 * @throws DuetError as `load`, and 'invalid-argument' for a network that the model lacks
 */
export async function loadEvalModel(
  name: string,
  { network, ...options }: EvalOptions = {},
): Promise<EvalModel & { readonly imageSize: number; release(): Promise<void> }> {
  const model = await readModelFolder(await findModel(name));
  const choice = network ? { network } : {};
  networkOf('t2i', model.config, choice); // refuses before anything is compiled
  const networks = await CompiledNetworks.create(model, options);
  const embedder = await compileEmbedder(model, options);
  return {
    ...evalModel(model, networks, embedder, choice),
    imageSize: model.config.imageSize,
    release: async () => {
      await Promise.all([networks.release(), embedder.release()]);
    },
  };
}

function evalModel(
  { config }: Model,
  networks: CompiledNetworks,
  embedder: Executable,
  choice: Pick<EvalOptions, 'network'>,
): EvalModel {
  const { imageSize, textTokens } = config;
  const pixelsOf = (bytes: Uint8Array): Pixels => ({ width: imageSize, height: imageSize, data: bytes });
  const none: CallOptions = {};

  /** @param of the call that samples in this mode, which has its settings and network */
  const sample = async (
    mode: Mode,
    given: readonly SampleLatents[],
    settings: SampleSettings,
    of: Mode = mode,
  ): Promise<SampleLatents[]> => {
    const network = networkOf(of, config, choice);
    const request = parseRequest(of, { ...settings, n: given.length, ...(network && { network }) }, config);
    const tasks = given.map((latents, index) => ({ seed: request.seeds[index]!, given: latents }));
    const { steps, guidance, solver, noiseSchedule } = request;
    const sampler = samplerOf(mode === 't2i' ? network : 'uvit', config);
    const pass = { mode, steps, guidance, solver, noiseSchedule, ...signalOf(settings) };
    const sampled: SampleLatents[] = [];
    for await (const group of sampler.groups(networks, tasks, pass)) sampled.push(...group.sampled);
    return sampled;
  };
  const pictures = async (latents: readonly SampleLatents[]): Promise<Uint8Array[]> => {
    const decoded = await networks.decodeImages(
      latents.map(({ image }) => image!.z),
      none,
    );
    return decoded.map(({ data }) => data);
  };
  const captions = (latents: readonly SampleLatents[]): Promise<string[]> =>
    networks.decodeTexts(
      latents.map(({ text }) => text!),
      none,
    );
  const nothing = (count: number): SampleLatents[] => Array.from({ length: count }, () => ({}));

  const draw = async (texts: readonly string[], settings: SampleSettings, of: Mode = 't2i'): Promise<Uint8Array[]> => {
    const encoder = networkOf(of, config, choice) === 'unet' ? networks.unet! : networks; // as loadEvalModel has checked
    const given = (await encoder.encodeTexts(texts, none)).map(text => ({ text }));
    return pictures(await sample('t2i', given, settings, of));
  };
  const textFirst = async (count: number, settings: SampleSettings, of: 'joint' | 'i'): Promise<JointSample[]> => {
    const said = await captions(await sample('t', nothing(count), settings, of));
    return (await draw(said, settings, of)).map((pixels, index) => ({ pixels, caption: said[index]! }));
  };
  const isTextFirst = defaultsOf('joint', config, choice).order === 'text-first';

  return {
    textToImage: (texts, settings) => draw(texts, settings),
    imageToText: async (images, settings) => {
      const latents = await networks.encodeImages(images.map(pixelsOf), none);
      return captions(
        await sample(
          'i2t',
          latents.map(image => ({ image })),
          settings,
        ),
      );
    },
    joint: async (count, settings) => {
      if (isTextFirst) return textFirst(count, settings, 'joint');
      const latents = await sample('joint', nothing(count), settings);
      const texts = await captions(latents);
      return (await pictures(latents)).map((pixels, index) => ({ pixels, caption: texts[index]! }));
    },
    image: async (count, settings) =>
      isTextFirst
        ? (await textFirst(count, settings, 'i')).map(({ pixels }) => pixels)
        : pictures(await sample('i', nothing(count), settings)),
    text: async (count, settings) => captions(await sample('t', nothing(count), settings)),
    embedText: async texts => {
      const features: Float32Array[] = [];
      for (let start = 0; start < texts.length; start += embedBatch) {
        const ids = networks.tokenizer.frameBatch(texts.slice(start, start + embedBatch), textTokens);
        const ends = endPositions(ids, { endId: networks.tokenizer.endId });
        features.push(...unstackRows((await embedder.run({ ids, ends }))['features']!));
      }
      return features;
    },
    embedImage: async images => {
      const latents = await networks.encodeImages(images.map(pixelsOf), none);
      return latents.map(({ c }) => denormaliseLatent(c, config.latents.clip, 1));
    },
    reconstruct: async images =>
      pictures((await networks.encodeImages(images.map(pixelsOf), none)).map(image => ({ image }))),
  };
}

/** Framed captions to CLIP's projected text features [B, P]. */
function compileEmbedder({ config, weights }: Model, options: LoadOptions): Promise<Executable> {
  return compile<ClipParams, undefined>(
    ({ params, inputs }) => {
      const states = clipText(params.text, { ids: inputs['ids']! }, config.clip.text);
      return { outputs: { features: projectText(params.text, poolAtEnd(states, inputs['ends']!)) } };
    },
    {
      params: weights.clip,
      inputs: {
        ids: { dtype: 'int32', shape: ['batch', config.textTokens] },
        ends: { dtype: 'int32', shape: ['batch'] },
      },
    },
    { ...options, name: 'embed-text' },
  );
}

function signalOf({ signal }: SampleSettings): CallOptions {
  return signal ? { signal } : {};
}

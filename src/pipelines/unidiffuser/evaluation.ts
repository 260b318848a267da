/** A loaded model as evaluation sees it (plain bytes and strings, many conditions at a time). */

import type { CallOptions } from '../../batching/batching-driver.ts';
import { type ClipParams, clipText, endPositions, poolAtEnd, projectText } from '../../clip/index.ts';
import { unstackRows } from '../../core/rows.ts';
import { compile, type Executable } from '../../engine/index.ts';
import type { EvalModel, JointSample, SampleSettings } from '../../eval/model.ts';
import type { Pixels } from '../../image/index.ts';
import type { LoadOptions } from '../family.ts';
import { findModel } from '../find-model.ts';
import { defaultsOf, parseRequest, solverOf } from './calls/requests.ts';
import { type Model, readModelFolder } from './model-folder.ts';
import { CompiledNetworks } from './networks/compiled-networks.ts';
import { denormaliseLatent } from './networks/normalise-latents.ts';
import type { Mode, SampleLatents } from './sampling/index.ts';
import { sampleLatents } from './sampling/sample-latents.ts';

/** Captions in one call of the embedder. */
const embedBatch = 64;

/** Loads a model for evaluation; `release` frees it. */
export async function loadEvalModel(
  name: string,
  options: LoadOptions = {},
): Promise<EvalModel & { readonly imageSize: number; release(): Promise<void> }> {
  const model = await readModelFolder(await findModel(name));
  const networks = await CompiledNetworks.create(model, options);
  const embedder = await compileEmbedder(model, options);
  return {
    ...evalModel(model, networks, embedder),
    imageSize: model.config.imageSize,
    release: async () => {
      await Promise.all([networks.release(), embedder.release()]);
    },
  };
}

function evalModel({ config }: Model, networks: CompiledNetworks, embedder: Executable): EvalModel {
  const { imageSize, textTokens } = config;
  const pixelsOf = (bytes: Uint8Array): Pixels => ({ width: imageSize, height: imageSize, data: bytes });
  const none: CallOptions = {};

  const sample = (mode: Mode, given: readonly SampleLatents[], settings: SampleSettings): Promise<SampleLatents[]> => {
    const request = parseRequest(mode, { ...settings, n: given.length }, config.sampling);
    const tasks = given.map((latents, index) => ({ seed: request.seeds[index]!, given: latents }));
    const { steps, guidance } = request;
    const solver = solverOf(request, config.diffusion);
    return sampleLatents(networks, config.diffusion, tasks, { mode, steps, guidance, solver, ...signalOf(settings) });
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

  const textToImage = async (texts: readonly string[], settings: SampleSettings): Promise<Uint8Array[]> => {
    const latents = await networks.encodeTexts(texts, none);
    return pictures(
      await sample(
        't2i',
        latents.map(text => ({ text })),
        settings,
      ),
    );
  };
  const text = async (count: number, settings: SampleSettings): Promise<string[]> =>
    captions(await sample('t', nothing(count), settings));
  const textFirst = async (count: number, settings: SampleSettings): Promise<JointSample[]> => {
    const said = await text(count, settings);
    return (await textToImage(said, settings)).map((pixels, index) => ({ pixels, caption: said[index]! }));
  };
  const isTextFirst = defaultsOf('joint', config.sampling).order === 'text-first';

  return {
    textToImage,
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
      if (isTextFirst) return textFirst(count, settings);
      const latents = await sample('joint', nothing(count), settings);
      const texts = await captions(latents);
      return (await pictures(latents)).map((pixels, index) => ({ pixels, caption: texts[index]! }));
    },
    image: async (count, settings) =>
      isTextFirst
        ? (await textFirst(count, settings)).map(({ pixels }) => pixels)
        : pictures(await sample('i', nothing(count), settings)),
    text,
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

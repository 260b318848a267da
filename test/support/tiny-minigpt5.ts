/** MiniGPT-5 folders of a few thousand random parameters, around the tiny Llama and Stable Diffusion of the tests. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isHostTensor } from '../../src/core/host-tensor.ts';
import { seededRandom } from '../../src/core/random.ts';
import { flattenTree } from '../../src/core/tree.ts';
import { initialise } from '../../src/nn/params.ts';
import type { MiniGpt5Config } from '../../src/pipelines/chat/minigpt5/config.ts';
import { weightFiles } from '../../src/pipelines/chat/minigpt5/model-folder.ts';
import { visualFrontEndSpec } from '../../src/vision/index.ts';
import { newRowsSpec, type VokenVocabulary, vokenMapperSpec } from '../../src/vokens/index.ts';
import { saveSafetensors } from '../../src/weights/write-safetensors.ts';

const languageModel = fileURLToPath(new URL('../data/llama/new-form/', import.meta.url));
const diffusion = fileURLToPath(new URL('../golden/data/checkpoints/sd15-diffusers/', import.meta.url));

/** Tokens that a language model of `size` tokens does not have. */
export function newTokens(size: number): VokenVocabulary {
  return {
    vokens: [0, 1, 2, 3].map(index => ({ name: `<draw${index}>`, id: size + index })),
    image: { name: '<picture>', id: size + 4 },
  };
}

export async function tinyMiniGpt5(): Promise<MiniGpt5Config> {
  const llama = JSON.parse(await readFile(join(languageModel, 'config.json'), 'utf8'));
  const unet = JSON.parse(await readFile(join(diffusion, 'unet/config.json'), 'utf8'));
  return {
    family: 'minigpt5',
    name: 'tiny',
    languageModel,
    diffusion,
    vocabulary: newTokens(llama.vocab_size),
    frontEnd: {
      network: {
        tower: {
          width: 8,
          layers: 1,
          heads: 2,
          mlpWidth: 16,
          activation: 'quick',
          epsilon: 1e-5,
          imageSize: 8,
          patchSize: 4,
          channels: 3,
          patchBias: false,
          preNorm: true,
          biases: 'all',
          featureLayers: [1],
          classToken: false,
        },
        connector: { projection: { width: llama.hidden_size, bias: true } },
      },
      input: { fit: 'pad', filter: 'bicubic', mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    },
    mapper: {
      inputWidth: llama.hidden_size,
      width: unet.cross_attention_dim,
      heads: 2,
      encoderLayers: 1,
      decoderLayers: 1,
      queries: 77,
    },
    prompt: {
      system: 'be brief ',
      user: 'you: ',
      assistant: 'me: ',
      separator: ' ',
      image: '(<picture>)',
      stop: ['###'],
    },
    sampling: { temperature: 1 },
    drawing: { steps: 2, guidance: 2 },
  };
}

/** Writes a new folder of `config` with random weights. */
export async function writeMiniGpt5Folder(folder: string, config: MiniGpt5Config): Promise<string> {
  await mkdir(folder);
  const random = seededRandom(7);
  const save = (file: string, spec: Parameters<typeof initialise>[0]) =>
    saveSafetensors(join(folder, file), flattenTree(initialise(spec, random), isHostTensor));
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  if (config.frontEnd) await save(weightFiles.frontEnd, visualFrontEndSpec(config.frontEnd.network));
  await save(weightFiles.mapper, vokenMapperSpec(config.mapper));
  await save(weightFiles.rows, newRowsSpec(config.vocabulary.vokens.length + 1, config.mapper.inputWidth));
  return folder;
}

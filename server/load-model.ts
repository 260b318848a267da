/** A model from its folder, with what clients are told about it. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readTextFile } from '../src/core/text.ts';
import {
  type LoadOptions,
  load,
  type ModelConfig,
  parseModelConfig,
  type UniDiffuser,
} from '../src/pipelines/index.ts';
import { findModel } from '../src/pipelines/unidiffuser/load.ts';
import type { LoadedModel, ModelInfo } from './types.ts';

const modes = ['t2i', 'i2t', 'joint', 'i', 't', 'i2t2i', 't2i2t', 'gibbs', 'interpolate', 'inpaint'] as const;
const solvers = ['dpm-multistep', 'dpm-singlestep', 'ddim'] as const;
/** What the embedded model was trained to draw, and two combinations that it was not. */
const examples = [
  'an apple',
  'a cat to the left of a dog',
  'three stars on a blue background',
  'a rocket above a house',
  'a butterfly to the right of a rose',
  'two red hearts',
];

/** What is told about a model that workers have; nothing of it is loaded. */
export async function describeModel(name: string): Promise<LoadedModel> {
  const { config, created } = await readModelConfig(name);
  return { model: null, info: modelInfo(config, created, () => ({ unknownWords: [], cut: false })) };
}

/** @throws DuetError 'model-not-found' and what loading throws */
export async function loadModel(
  name: string,
  options: LoadOptions,
): Promise<LoadedModel & { readonly model: UniDiffuser }> {
  const started = performance.now();
  const { config, created } = await readModelConfig(name);
  const model = await load(name, options);
  const loadSeconds = (performance.now() - started) / 1000;
  return { model, loadSeconds, info: modelInfo(config, created, text => model.inspectCaption(text)) };
}

/** The configuration of a model, its folder and its age, without loading it. */
export async function readModelConfig(name: string): Promise<{ config: ModelConfig; folder: string; created: number }> {
  const folder = await findModel(name);
  const path = join(folder, 'config.json');
  const config = parseModelConfig(JSON.parse(await readTextFile(path, 'invalid-config')), path);
  return { config, folder, created: Math.floor((await stat(path)).mtimeMs / 1000) };
}

function modelInfo(
  { name, imageSize, sampling }: ModelConfig,
  created: number,
  inspectCaption: ModelInfo['inspectCaption'],
): ModelInfo {
  return {
    id: name,
    created,
    imageSize,
    modes,
    solvers,
    defaults: sampling,
    examples,
    inspectCaption,
  };
}

/** A model from its folder, with what clients are told about it. */
import { describeModel, type LoadOptions, loadPipeline, type ModelDescription } from '../src/pipelines/index.ts';
import type { LoadedModel, ModelInfo, ServedModel } from './types.ts';

/** What is told about a model that workers have; nothing of it is loaded. */
export async function describeServed(name: string): Promise<LoadedModel> {
  const { description, created } = await describeModel(name);
  return { model: null, info: modelInfo(description, created, () => ({ unknownWords: [], cut: false })) };
}

/** @throws DuetError 'model-not-found' and what loading throws */
export async function loadModel(
  name: string,
  options: LoadOptions,
): Promise<LoadedModel & { readonly model: ServedModel }> {
  const started = performance.now();
  const { description, created } = await describeModel(name);
  const model = await loadPipeline(name, options);
  const loadSeconds = (performance.now() - started) / 1000;
  const { vocabulary = [] } = model;
  const info = modelInfo(description, created, text => model.inspectCaption(text));
  return { model, loadSeconds, info: { ...info, ...(vocabulary.length > 0 && { vocabulary }) } };
}

function modelInfo(
  description: ModelDescription,
  created: number,
  inspectCaption: ModelInfo['inspectCaption'],
): ModelInfo {
  return { ...description, id: description.name, created, inspectCaption };
}

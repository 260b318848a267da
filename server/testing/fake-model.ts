/**
 * A model without networks for tests of the server: pictures and captions follow from the seed alone. Instant, or step by
 * step under the test's control.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { DuetError } from '../../src/core/errors.ts';
import { packageRoot } from '../../src/core/package-root.ts';
import { Picture } from '../../src/image/index.ts';
import {
  type AnySample,
  type CallMethods,
  type CallOptions,
  families,
  type ModelDescription,
  type Result,
  runCall,
} from '../../src/pipelines/index.ts';
import type { JobMode } from '../jobs/types.ts';
import type { LoadedModel, ServedModel } from '../types.ts';
import { createGate } from './gate.ts';

export interface FakeModelOptions {
  /** @default 'fake' */
  readonly id?: string;
  /** 'stepwise' waits before each step for `advance`. @default 'instant' */
  readonly pace?: 'instant' | 'stepwise';
  /** Milliseconds that each step takes, at least. @default 0 */
  readonly stepMs?: number;
  /** Samples are finished one after the other, evenly over the steps. @default all at the end */
  readonly staggered?: boolean;
  /** Thrown by every call after its first step. */
  readonly failure?: Error;
  /** What results say about the picture given. @default nothing */
  readonly seen?: { readonly familiarity: number; readonly isFamiliar: boolean };
}

export interface FakeModel extends LoadedModel {
  readonly model: ServedModel;
  /** Every call so far: its mode, options and inputs. */
  readonly calls: readonly FakeCall[];
  /** Lets every waiting and coming call go `steps` steps further (all of them without an argument). */
  advance(steps?: number): void;
  /** Calls wait again before each step, as those of a new model that is `stepwise`. */
  hold(): void;
}

interface FakeCall {
  readonly mode: JobMode;
  readonly options: CallOptions;
  readonly inputs: readonly unknown[];
}

const imageSize = 16;
const defaultSteps = 4;
const drawnSeed = 1234;
const defaultGuidance = { t2i: 3, i2t: 2, joint: 1 };

export function fakeModel({
  id = 'fake',
  pace = 'instant',
  stepMs = 0,
  staggered = false,
  failure,
  seen,
}: FakeModelOptions = {}): FakeModel {
  const calls: FakeCall[] = [];
  const gate = createGate(pace === 'instant');

  async function sample(
    mode: JobMode,
    makes: { image?: boolean; caption?: boolean },
    options: CallOptions,
    ...inputs: unknown[]
  ): Promise<Result<AnySample>> {
    const { n = 1, seed = drawnSeed, steps = defaultSteps, signal, onProgress, previewEvery = 0 } = options;
    calls.push({ mode, options, inputs });
    if (inputs.includes('')) throw new DuetError('invalid-argument', 'The caption is empty; give some words');
    const seeds = Array.from({ length: n }, (_, index) => seed + index);
    const { guidance = mode in defaultGuidance ? defaultGuidance[mode as 't2i'] : 1, solver = 'dpm-multistep' } =
      options;
    const samples = seeds.map(value => ({
      seed: value,
      ...(makes.image && { image: fakePicture(value) }),
      ...(makes.caption && { caption: fakeCaption(value) }),
    }));
    const resultOf = (made: readonly AnySample[]) => ({
      mode,
      samples: made,
      settings: { model: id, steps, guidance, solver },
      timings: { encode: 1, sample: steps, decode: 1, total: steps + 2 },
      unknownWords: [],
      captionCut: false,
      ...seen,
    });
    let finished = 0;
    for (let step = 1; step <= steps; step++) {
      await gate.pass(step, signal);
      if (stepMs > 0) await setTimeout(stepMs);
      signal?.throwIfAborted();
      onProgress?.({ type: 'step-progress', step, total: steps });
      if (failure) throw failure;
      if (makes.image && previewEvery > 0 && step % previewEvery === 0) {
        onProgress?.({
          type: 'image-preview',
          step,
          seeds,
          images: seeds.map(fakePicture),
          indices: [...seeds.keys()],
        });
      }
      for (; staggered && step < steps && finished < Math.floor((n * step) / steps); finished++) {
        onProgress?.({ type: 'samples-end', indices: [finished], result: resultOf([samples[finished]!]) });
      }
    }
    return resultOf(samples) as Result<AnySample>;
  }

  const images = (result: Promise<Result<AnySample>>) => result as Promise<Result<{ seed: number; image: Picture }>>;
  const captions = (result: Promise<Result<AnySample>>) => result as Promise<Result<{ seed: number; caption: string }>>;
  const pairs = (result: Promise<Result<AnySample>>) =>
    result as Promise<Result<{ seed: number; image: Picture; caption: string }>>;

  const methods: CallMethods = {
    textToImage: (caption, options = {}) => images(sample('t2i', { image: true }, options, caption)),
    imageToText: (picture, options = {}) => captions(sample('i2t', { caption: true }, options, picture)),
    joint: (options = {}) => pairs(sample('joint', { image: true, caption: true }, options)),
    image: (options = {}) => images(sample('i', { image: true }, options)),
    text: (options = {}) => captions(sample('t', { caption: true }, options)),
    vary: (picture, options = {}) => pairs(sample('i2t2i', { image: true, caption: true }, options, picture)),
    rephrase: (caption, options = {}) => pairs(sample('t2i2t', { image: true, caption: true }, options, caption)),
    gibbs: (start, options = {}) =>
      pairs(sample('gibbs', { image: true, caption: true }, { ...options, n: options.rounds ?? 2 }, start)),
    interpolate: (a, b, options = {}) =>
      pairs(sample('interpolate', { image: true }, { ...options, n: options.frames ?? 5 }, a, b)),
    inpaint: (input, options = {}) => pairs(sample('inpaint', { image: true }, options, input)),
  };
  const model: ServedModel = {
    family: 'unidiffuser',
    name: id,
    imageSize,
    run: (mode, inputs, options = {}) => runCall(methods, mode, inputs, options),
    inspectCaption: text => ({ unknownWords: [], cut: false, tokens: 2 * text.split(' ').length }),
    release: async () => {},
  };
  return {
    info: { ...describeFake(id), id, created: 1_700_000_000, inspectCaption: model.inspectCaption },
    model,
    calls,
    advance: gate.open,
    hold: gate.close,
  };
}

/** What its family says of a model like the embedded one, with other defaults and without a choice of networks. */
function describeFake(name: string): ModelDescription {
  const sampling = { steps: defaultSteps, guidance: defaultGuidance };
  const emoji = JSON.parse(readFileSync(join(packageRoot(), 'models/emoji/config.json'), 'utf8')) as object;
  const config = { ...emoji, unet: undefined, name, imageSize, sampling, examples: ['an apple'] };
  return families.unidiffuser.describe(config, 'the fake model');
}

/** The caption that a fake model gives for a seed. */
export function fakeCaption(seed: number): string {
  return `a fake caption ${seed}`;
}

/** One colour that follows from the seed. */
export function fakePicture(seed: number): Picture {
  const data = new Uint8Array(imageSize * imageSize * 3).map((_, index) => (seed * (1 + (index % 3))) % 256);
  return new Picture({ width: imageSize, height: imageSize, data });
}

/**
 * Golden files in the other forms that they may have: every input literal or by rule, any batch 1 beside larger ones, configurations
 * as Hugging Face's libraries write them. The recorded files are rewritten into these forms and run again.
 */
import { describe, expect, test } from 'vitest';
import { sizeOf } from '../../src/core/host-tensor.ts';
import type { CaseResult } from './compare.ts';
import { type GoldenCase, type GoldenFile, readGolden } from './harness.ts';
import { listGoldenFiles, loadSuites } from './suites.ts';
import { readValues } from './tensors.ts';

const suites = await loadSuites();
const files = (await listGoldenFiles()).filter(file => suites.has(file));

async function runFile(file: string, golden: GoldenFile): Promise<CaseResult[]> {
  return suites.get(file)!.run(golden, 'reference');
}

/**
 * The file with the inputs of two cases replaced by `change`, the first two that it changes: more would tell nothing more,
 * since what is tried here does not depend on the network.
 */
function withInputs(
  golden: GoldenFile,
  change: (value: unknown, name: string, golden: GoldenCase) => unknown,
): GoldenFile {
  const cases = golden.cases.flatMap(item => {
    const changed = Object.entries(item.inputs).map(([name, value]) => [name, change(value, name, item)] as const);
    const isChanged = changed.some(([name, value]) => value !== item.inputs[name]);
    return isChanged ? [{ ...item, inputs: Object.fromEntries(changed) }] : [];
  });
  return { ...golden, cases: cases.slice(0, 2) };
}

/** The same tensor, written out. */
function literal(recipe: unknown) {
  const { shape, data } = readValues(recipe);
  return { shape, data };
}

const isRule = (value: unknown) => typeof value === 'object' && value !== null && 'rule' in value;
const isTensor = (value: unknown) => typeof value === 'object' && value !== null && 'shape' in value;
const withPlaces = ['blip2.json', 'instructblip.json', 'llava.json', 'minigpt5-pipeline.json'];
const isFloat = (value: unknown) => (value as { dtype?: string }).dtype === 'float32';

function failures(results: readonly CaseResult[]): string[] {
  return results.filter(({ pass }) => !pass).map(({ name, detail }) => `${name}: ${detail}`);
}

/** What was computed, as far as results tell: how far each value lies from what the recorded inputs gave. */
function errors(results: readonly CaseResult[]) {
  return results.map(({ name, error, ratio }) => ({ name, error, ratio }));
}

describe.each(files)('%s', file => {
  test('rules written out', async () => {
    const golden = withInputs(await readGolden(file), value => (isRule(value) ? literal(value) : value));
    expect(failures(await runFile(file, golden))).toEqual([]);
  });

  test('literals replaced by a rule', async () => {
    const recorded = await readGolden(file);
    const rule = (value: unknown) => {
      if (isRule(value) || !isTensor(value)) return value;
      // Prompts of these mark the places of pictures: other numbers are other inputs.
      if (!isFloat(value) && withPlaces.includes(file)) return value;
      const { shape } = readValues(value);
      return isFloat(value) ? { rule: 'I', shape, c: 0.4 } : { rule: 'zeros', shape };
    };
    const byRule = withInputs(recorded, rule);
    const writtenOut = withInputs(recorded, value => (rule(value) === value ? value : literal(rule(value))));
    expect(errors(await runFile(file, byRule))).toEqual(errors(await runFile(file, writtenOut)));
  });
});

/** Inputs that share their batch with others, by file; the rest of a file's inputs have a batch of their own. */
const shared: Readonly<Record<string, readonly string[]>> = {
  'uvit-v0.json': ['img', 'clip_img', 'text', 't_img', 't_text'],
  'uvit-v1.json': ['img', 'clip_img', 'text', 't_img', 't_text', 'data_type'],
  'uvit-v1-diffusers.json': ['img', 'clip_img', 'text', 't_img', 't_text'],
  'uvit-plain-class.json': ['x', 'timesteps', 'y'],
  'uvit-plain-text.json': ['x', 'timesteps', 'context'],
  'uvit-grad.json': ['t_text', 'target_text', 'y', 'target'],
  'clip-text.json': ['attention_mask'],
  'gpt2.json': ['attention_mask', 'labels'],
  'caption-decoder.json': ['train_tokens', 'train_clip_states'],
  'logits-processors.json': ['logits', 'seen_ids'],
  'vae.json': ['image', 'noise'],
};

describe.each(Object.entries(shared))('%s', (file, names) => {
  test.each(names)('%s of batch 1 stands for every sample', async name => {
    const recorded = await readGolden(file);
    const firstRow = (value: unknown) => {
      const { shape, data } = readValues(value);
      return { shape: [1, ...shape.slice(1)], data: data.slice(0, sizeOf(shape.slice(1))) };
    };
    const change = (once: boolean) =>
      withInputs(recorded, (value, input) => {
        if (input !== name || readValues(value).shape[0] === 1) return value;
        const row = firstRow(value);
        const [rows = 1] = readValues(value).shape;
        return once
          ? row
          : { shape: [rows, ...row.shape.slice(1)], data: Array.from({ length: rows }, () => row.data).flat() };
      });
    const [once, repeated] = [change(true), change(false)];
    expect(once.cases.length).toBeGreaterThan(0);
    expect(errors(await runFile(file, once))).toEqual(errors(await runFile(file, repeated)));
  });
});

describe('sample-loop.json', () => {
  const file = 'sample-loop.json';

  /** A case for two samples, its inputs repeated to `batch`; the recorded sample is what each of them is compared with. */
  async function twoSamples(names: readonly string[], batch: number): Promise<CaseResult[]> {
    const { cases, ...rest } = await readGolden(file);
    const item = cases.find(({ inputs }) => names.every(name => name in inputs))!;
    const repeat = (tensors: GoldenCase['inputs'], rows: number) =>
      Object.fromEntries(
        Object.entries(tensors).map(([name, value]) => {
          const { shape, data } = readValues(value);
          return [name, { shape: [rows, ...shape.slice(1)], data: Array.from({ length: rows }, () => data).flat() }];
        }),
      );
    const config = { ...item.config, n_samples: 2 };
    const two = { ...item, config, inputs: repeat(item.inputs, batch), outputs: repeat(item.outputs, 2) };
    return runFile(file, { ...rest, cases: [two] });
  }

  test.each([[['empty_text', 'text']], [['z', 'clip_img']]])('%s of batch 1 beside two samples', async names => {
    const once = await twoSamples(names, 1);
    expect(once.every(({ error }) => Number.isFinite(error))).toBe(true);
    expect(errors(once)).toEqual(errors(await twoSamples(names, 2)));
  });

  test('schedulers may be given with every argument, as in a scheduler_config.json', async () => {
    const golden = await readGolden(file);
    const cases = golden.cases
      .filter(({ config }) => config['scheduler'])
      .map(item => ({
        ...item,
        config: { ...item.config, scheduler: { ...idleArguments, ...(item.config['scheduler'] as object) } },
      }));
    expect(failures(await runFile(file, { ...golden, cases }))).toEqual([]);
  });
});

/** Arguments at their defaults, as diffusers writes them. */
const idleArguments = {
  _class_name: 'DPMSolverMultistepScheduler',
  _diffusers_version: '0.40.0',
  dynamic_thresholding_ratio: 0.995,
  flow_shift: 1,
  lambda_min_clipped: Number.NEGATIVE_INFINITY,
  rescale_betas_zero_snr: false,
  sample_max_value: 1,
  time_shift_type: 'exponential',
  trained_betas: null,
  use_flow_sigmas: false,
  variance_type: null,
};

describe('CLIP configurations', () => {
  const similarity = async () => {
    const golden = await readGolden('clip-vision.json');
    const item = golden.cases.find(({ inputs }) => 'input_ids' in inputs)!;
    const { text, vision, ...config } = item.config as Record<string, Record<string, unknown>>;
    return { golden, item, text: text!, vision: vision!, config };
  };
  const runWith = async (config: object) => {
    const { golden, item } = await similarity();
    return runFile('clip-vision.json', { ...golden, cases: [{ ...item, config: config as GoldenCase['config'] }] });
  };

  test('the projection width at the top counts, not the ones inside the towers', async () => {
    const { text, vision, config } = await similarity();
    const other = { projection_dim: 512 };
    const results = await runWith({ text: { ...text, ...other }, vision: { ...vision, ...other }, ...config });
    expect(results).toHaveLength(4);
    expect(failures(results)).toEqual([]);
  });

  test('names of a config.json; fields with their default value left out, further fields present', async () => {
    const { text, vision, config } = await similarity();
    const { hidden_act: _, layer_norm_eps: __, projection_dim: ___, ...shortText } = text;
    const { num_channels: ____, hidden_act: _____, ...shortVision } = vision;
    const whole = {
      architectures: ['CLIPModel'],
      model_type: 'clip',
      text_config: { ...shortText, model_type: 'clip_text_model', dropout: 0 },
      text_config_dict: null,
      vision_config: { ...shortVision, model_type: 'clip_vision_model' },
      logit_scale_init_value: config['logit_scale'],
      projection_dim: config['projection_dim'],
    };
    expect(failures(await runWith(whole))).toEqual([]);
    const older = { ...whole, text_config: {}, text_config_dict: shortText };
    expect(failures(await runWith(older))).toEqual([]);
  });

  test('the configuration of the whole model serves one tower too', async () => {
    for (const [file, part] of [
      ['clip-text.json', 'text_config'],
      ['clip-vision.json', 'vision_config'],
    ] as const) {
      const golden = await readGolden(file);
      const cases = golden.cases
        .filter(({ config }) => !('text' in config))
        .map(item => {
          const { projection_dim: width, ...tower } = item.config;
          return { ...item, config: { [part]: { ...tower, projection_dim: 1 }, projection_dim: width } };
        });
      expect(failures(await runFile(file, { ...golden, cases }))).toEqual([]);
    }
  });
});

/** The caption decoder: bottleneck, prefix logits, training loss, beam search with many end tokens. */
import type * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '../../../src/core/host-tensor.ts';
import type { Program, Sources, TensorRecord } from '../../../src/engine/types.ts';
import {
  type Beam,
  beamSearch,
  type CaptionDecoderConfig,
  type CaptionDecoderParams,
  captionDecoderSpec,
  captionLogits,
  captionLoss,
  decodePrefix,
  encodePrefix,
  gpt2Model,
} from '../../../src/lm/index.ts';
import {
  captionDecoderConfigFrom,
  captionDecoderRules,
  type DiffusersCaptionDecoder,
} from '../../../src/weights/names/caption-decoder.ts';
import { searchCached } from '../cached-decoding.ts';
import { type CaseResult, compare, compareExact, type Tolerance } from '../compare.ts';
import { compareOutputs, eachCase, type GoldenBackend, type GoldenCase, runProgram } from '../harness.ts';
import { makeInputs, readValues } from '../tensors.ts';
import { makeParams, makeWeights } from '../weights.ts';

interface Search {
  readonly eos: number;
  readonly sample: number;
  readonly max_tokens: number;
  readonly beams: number;
  readonly temperature?: number;
}

interface ExpectedBeams {
  readonly tokens: unknown;
  readonly lengths: readonly number[];
  readonly average_logprob: readonly number[];
}

const program =
  (config: CaptionDecoderConfig): Program<CaptionDecoderParams, undefined> =>
  ({ params, inputs }) => {
    const { latent, states, trainTokens, trainStates } = inputs as Record<string, tf.Tensor>;
    const outputs: TensorRecord = {
      decode_prefix: decodePrefix(params, latent!),
      encode: encodePrefix(params, states!),
      prefix_logits: captionLogits(params, { latent: latent! }, config),
    };
    if (!trainTokens || !trainStates) return { outputs };
    const trainLatent = encodePrefix(params, trainStates);
    const logits = captionLogits(params, { latent: trainLatent, tokens: trainTokens }, config);
    const [batch, length, vocabulary] = logits.shape as [number, number, number];
    const loss = captionLoss(params, { latent: trainLatent, tokens: trainTokens }, config, { countPrefix: true });
    outputs['train_logits_last'] = logits
      .slice([0, length - 1, 0], [batch, 1, vocabulary])
      .reshape([batch, vocabulary]);
    outputs['train_loss'] = loss.reshape([1]);
    return { outputs };
  };

/** Sample `index` of a batch, as a batch of one; a batch of one is every sample. */
function sample({ dtype, shape, data }: HostTensor, sample: number): HostTensor {
  const size = data.length / shape[0]!;
  const index = shape[0] === 1 ? 0 : sample;
  return { dtype, shape: [1, ...shape.slice(1)], data: data.slice(index * size, (index + 1) * size) };
}

async function beamsOf(
  search: Search,
  backend: GoldenBackend,
  config: CaptionDecoderConfig,
  params: Sources<CaptionDecoderParams>,
  latents: HostTensor,
): Promise<Beam[]> {
  const latent = sample(latents, search.sample);
  const decoding = beamSearch({
    beams: search.beams,
    maxTokens: search.max_tokens,
    endIds: [search.eos],
    ...(search.temperature !== undefined && { temperature: search.temperature }),
  });
  const [, length, width] = latent.shape as [number, number, number];
  const prompt = { ids: new Array<number>(length).fill(-1), vectors: latent.data as Float32Array };
  const [beams] = await searchCached(
    backend,
    { searches: [{ search: decoding, prompt }], params, positions: config.gpt2.positions },
    {
      model: gpt2Model(config.gpt2),
      params: (params: CaptionDecoderParams) => params.gpt2,
      vectors: { width, embed: decodePrefix },
    },
  );
  return beams!;
}

function compareBeams(name: string, beams: readonly Beam[], expected: ExpectedBeams, tolerance: Tolerance) {
  const averages = { data: beams.map(beam => beam.averageLogprob) };
  const expectedAverages = { shape: [beams.length], data: expected.average_logprob };
  return [
    compareExact(
      `${name} tokens`,
      beams.flatMap(beam => beam.tokens),
      readValues(expected.tokens, name).data,
    ),
    compareExact(
      `${name} lengths`,
      beams.map(beam => beam.length),
      expected.lengths,
    ),
    compare(`${name} average log probability`, averages, expectedAverages, tolerance),
  ];
}

async function runCase(golden: GoldenCase, backend: GoldenBackend): Promise<CaseResult[]> {
  const config = captionDecoderConfigFrom(golden.config as unknown as DiffusersCaptionDecoder);
  const weights = makeWeights(golden.weights!);
  const params = await makeParams(captionDecoderSpec(config), captionDecoderRules(config), weights);
  const inputs = {
    ...makeInputs(golden.inputs, { latent: ['latent', 'float32'] }),
    ...makeInputs(golden.inputs, { clip_states: ['states', 'float32'] }),
    ...makeInputs(golden.inputs, {
      train_tokens: ['trainTokens', 'int32'],
      train_clip_states: ['trainStates', 'float32'],
    }),
  };
  const got = await runProgram(backend, program(config), params, inputs);
  const { beams, ...outputs } = golden.outputs;
  const results = compareOutputs({ ...golden, outputs }, got);
  const searches = (golden['beam_searches'] ?? []) as readonly Search[];
  for (const [index, search] of searches.entries()) {
    const found = await beamsOf(search, backend, config, params, inputs['latent']!);
    const expected = (beams as readonly ExpectedBeams[])[index]!;
    results.push(...compareBeams(`${golden.name} / beams ${index}`, found, expected, golden.tolerance));
  }
  return results;
}

export const file = 'caption-decoder.json';

export const run = eachCase(runCase);

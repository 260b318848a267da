/**
 * Validation of the stage `unet`. Its loss says little about pictures, so held-out scenes of every kind are drawn from
 * their captions and compared with their true renders: the median PSNR of each kind, in dB.
 */
import { createTokenizer } from '../../clip/index.ts';
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import { compile, type Executable } from '../../engine/index.ts';
import type { TensorRecord } from '../../engine/types.ts';
import { medianPsnr } from '../../eval/statistics.ts';
import { fromNetwork, type Pixels, pictureGrid } from '../../image/index.ts';
import { compileImageDecoder } from '../../pipelines/unidiffuser/networks/encode-programs.ts';
import { denormaliseLatent } from '../../pipelines/unidiffuser/networks/normalise-latents.ts';
import { estimate, guide, type Schedule, solve } from '../../sampler/index.ts';
import type { UnetParams } from '../../unet/index.ts';
import { captionBatch } from '../data/source.ts';
import type { DataConfig } from '../data-config.ts';
import { type Averages, evaluationOf } from '../evaluation.ts';
import type { Stage, StageSample } from '../loop.ts';
import { predictFromCaption, type UnetFrozen, type UnetProblem } from '../objectives/unet.ts';
import { randomStream } from '../random.ts';
import { nest } from '../step.ts';
import type { BaseModel } from './base-model.ts';
import { openValidation, type StageContext } from './context.ts';

/** Scenes of each kind, and those of them that are shown. */
const perKind = 16;
const shown = 8;
const steps = 12;
const guidance = 2;

const bytesOf = ({ data }: Pixels): Uint8Array => data;

const none = { large: 0, small: 0, pair: 0, count: 0 };
const kinds = ['large', 'small', 'pair', 'count'] as const;

interface ValidationInputs extends Omit<UnetProblem, 'batch'> {
  readonly data: DataConfig;
  readonly base: BaseModel;
  /** Any tree of the U-Net's parameters. */
  readonly structure: Stage['initialParams'];
  readonly schedule: Schedule;
}

/** True pictures with their captions. */
interface Group {
  readonly name: string;
  readonly pictures: readonly Pixels[];
  readonly captions: readonly string[];
}

/** Figures and a picture of averaged parameters, for the same scenes and noise each time. */
export function unetValidation(
  inputs: ValidationInputs,
  { engine }: StageContext,
): Required<Pick<Stage, 'sample' | 'release'>> {
  const { unet, side, tokens, structure, base } = inputs;
  const latent = [unet.inChannels, side, side] as const;
  const predictor = evaluationOf(state =>
    compile<UnetFrozen, TensorRecord>(
      ({ params, state, inputs: given }) => {
        const { sample, time, ids } = given as Record<'sample' | 'time' | 'ids', never>;
        // The state has the parameters of `structure`, see ValidationInputs; nesting forgets its type.
        const trained = nest(state, structure) as UnetParams;
        return { outputs: { v: predictFromCaption(trained, params, { sample, time, ids }, inputs) }, state };
      },
      {
        params: { text: base.weights.clip.text },
        state,
        inputs: {
          sample: { dtype: 'float32', shape: ['batch', ...latent] },
          time: { dtype: 'float32', shape: ['batch'] },
          ids: { dtype: 'int32', shape: ['batch', tokens] },
        },
      },
      { ...engine, name: 'evaluate-unet' },
    ),
  );
  let decoder: Promise<Executable> | undefined;
  const decoded = async (z: HostTensor): Promise<Pixels[]> => {
    decoder ??= compileImageDecoder(base, latent, { ...engine });
    const { pixels } = await (await decoder).run({ z });
    return fromNetwork(pixels!);
  };
  let truth: Promise<Group[]> | undefined;
  return {
    sample: async (averages: Averages): Promise<StageSample> => {
      truth ??= groupsOf(inputs.data);
      const executable = await predictor.on(averages);
      const metrics: Record<string, number> = {};
      const grid: Pixels[] = [];
      for (const { name, pictures, captions } of await truth) {
        const drawn = await decoded(await drawLatents(executable, captions, inputs));
        metrics[`${name}Psnr`] = medianPsnr(drawn.map(bytesOf), pictures.map(bytesOf));
        grid.push(...drawn.slice(0, shown).flatMap((made, i) => [pictures[i]!, made]));
      }
      return { metrics, picture: pictureGrid(grid, { columns: 2 * shown }) };
    },
    release: async () => {
      await Promise.all([predictor.release(), decoder?.then(executable => executable.release())]);
    },
  };
}

/** Held-out scenes kind by kind; of a folder its own pairs, so that the figure says how well they are remembered. */
async function groupsOf(data: DataConfig): Promise<Group[]> {
  if (data.source === 'folder') return [await groupOf('seen', data)];
  return Promise.all(kinds.map(kind => groupOf(kind, data, { ...none, [kind]: 1 })));
}

async function groupOf(name: string, data: DataConfig, shares?: typeof none): Promise<Group> {
  const source = await openValidation(data, perKind, shares ? { shares } : {});
  const indices = Array.from({ length: Math.min(perKind, source.size) }, (_, i) => i);
  const { side } = source;
  const picture = async (index: number) => ({ width: side, height: side, data: await source.picture(index) });
  return { name, pictures: await Promise.all(indices.map(picture)), captions: captionBatch(source, indices, 0, 0) };
}

/** Latents [B, C, S, S] of the autoencoder, sampled for the captions with guidance. */
async function drawLatents(
  predictor: Executable,
  captions: readonly string[],
  { base, schedule, side, tokens, unet }: ValidationInputs,
): Promise<HostTensor> {
  const shape = [captions.length, unet.inChannels, side, side];
  const { normal } = randomStream(0, 'validation', 0);
  const tokenizer = createTokenizer(base.tokenizer);
  const given = tokenizer.frameBatch(captions, tokens);
  const empty = tokenizer.frameBatch(
    captions.map(() => ''),
    tokens,
  );
  const predict = async (ids: HostTensor, x: Float32Array, t: number): Promise<Float32Array> => {
    const time = float32([captions.length], new Float32Array(captions.length).fill(t));
    const { v } = await predictor.run({ sample: float32(shape, Float32Array.from(x)), time, ids });
    return v!.data as Float32Array;
  };
  const noise = normal(shape.reduce((product, length) => product * length, 1));
  const solver = solve({ schedule, x: noise, steps, noise: normal }, { kind: 'dpm-multistep' });
  let point = solver.next();
  while (!point.done) {
    const { x, level } = point.value;
    const guided = guide(await predict(given, x, level.t), await predict(empty, x, level.t), guidance);
    point = solver.next(estimate('v', x, guided, level));
  }
  return float32(shape, denormaliseLatent(point.value, base.config.latents.image, side * side));
}

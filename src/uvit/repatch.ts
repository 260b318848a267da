/** A trained joint predictor given other patches: what depends on their size begins anew, all else goes on. */
import { DuetError } from '../core/errors.ts';
import { float32, type HostTensor, isHostTensor } from '../core/host-tensor.ts';
import { flattenTree } from '../core/tree.ts';
import { type Filled, fillParams, initialise, type UniformRandom } from '../nn/params.ts';
import { gridSize, type JointUvitConfig } from './config.ts';
import { jointUvitSpec } from './joint.ts';

type HostParams = Filled<ReturnType<typeof jointUvitSpec>, HostTensor>;

/**
 * The parameters of the network of `wanted`, which differs from that of `config` in its patches and its final convolution alone. A
 * patch has the position of the one that lay in its place.
 * @throws DuetError `invalid-config` unless the patches cover the latent image
 */
export function repatch(
  params: HostParams,
  config: JointUvitConfig,
  wanted: JointUvitConfig,
  random: UniformRandom,
): HostParams {
  const { latentSize, patchSize } = wanted;
  if (latentSize % patchSize !== 0) {
    throw new DuetError(
      'invalid-config',
      `model.patchSize must divide the side of the latent image, ${latentSize}, got ${patchSize}`,
    );
  }
  const spec = jointUvitSpec(wanted);
  const old = flattenTree<HostTensor>(params, isHostTensor);
  const fresh = flattenTree<HostTensor>(initialise(spec, random), isHostTensor);
  const going = Object.entries(fresh).map(([name, tensor]) => {
    const known = old[name];
    return [name, known && `${known.shape}` === `${tensor.shape}` ? known : tensor] as const;
  });
  const positions = repeatPositions(params.positions, gridSize(config), gridSize(wanted));
  return fillParams(spec, { ...Object.fromEntries(going), positions }, 'the network with other patches');
}

/** Positions [E + s s, D] with those of a grid of side `from` at their end, for one of side `to`: [E + t t, D]. */
function repeatPositions({ shape, data }: HostTensor, from: number, to: number): HostTensor {
  const [total, width] = shape as [number, number];
  const others = total - from * from;
  const result = new Float32Array((others + to * to) * width);
  result.set(data.subarray(0, others * width));
  const nearest = (at: number) => Math.floor((at * from) / to);
  for (let row = 0; row < to; row++) {
    for (let column = 0; column < to; column++) {
      const start = (others + nearest(row) * from + nearest(column)) * width;
      result.set(data.subarray(start, start + width), (others + row * to + column) * width);
    }
  }
  return float32([others + to * to, width], result);
}

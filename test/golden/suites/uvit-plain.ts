/** The plain U-ViT: class-conditional, unconditional, with a text context. */
import { type PlainUvitParams, plainUvit, plainUvitSpec } from '../../../src/uvit/index.ts';
import { paramsFromRules } from '../../../src/weights/names/name-map.ts';
import { type ForeignPlainUvit, plainUvitConfigFrom, plainUvitRules } from '../../../src/weights/names/uvit.ts';
import {
  type CaseResult,
  compare,
  type GoldenBackend,
  type GoldenFile,
  makeInputs,
  makeWeights,
  runProgram,
} from '../harness.ts';

export const file = ['uvit-plain-class.json', 'uvit-plain-text.json'];

/** Names in the files of inputs. */
export const plainInputs = { x: 'image', timesteps: 'time', y: 'label', context: 'context' } as const;

export async function run({ cases }: GoldenFile, backend: GoldenBackend): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const golden of cases) {
    const config = plainUvitConfigFrom(golden.config as unknown as ForeignPlainUvit);
    const tensors = makeWeights(golden.weights!);
    const params = paramsFromRules(plainUvitSpec(config), plainUvitRules(config), name => tensors[name]);
    const { out } = await runProgram<PlainUvitParams>(
      backend,
      ({ params, inputs }) => {
        const { image, time, label, context } = inputs;
        return { outputs: { out: plainUvit(params, { image: image!, time: time!, label, context }, config) } };
      },
      params,
      makeInputs(golden, plainInputs),
    );
    results.push(compare(`${golden.name} / out`, out!, golden.outputs['out'], golden.tolerance));
  }
  return results;
}

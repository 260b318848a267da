/** MiniGPT-4 whole: pictures to vectors, their places in the prompt, logits, greedy answers and the training loss. */
import { placeImages } from '../../../src/lm/index.ts';
import type { OriginalMiniGpt4 } from '../../../src/weights/names/minigpt4.ts';
import { compareExact } from '../compare.ts';
import { goldenLlama } from '../golden-llama.ts';
import { compareOutputs, eachCase, networkOf } from '../harness.ts';
import { readValues, toTensor } from '../tensors.ts';
import { continuePrompts, readPrompts, rowsOf } from '../visual-prompt.ts';
import { runFrontEnd } from './q-former.ts';

export const file = 'minigpt4.json';

interface Inputs {
  readonly segments: readonly (readonly number[])[];
  readonly target?: readonly number[];
}

interface Config {
  readonly bos_token_id: number;
  readonly stop_sequences: readonly (readonly number[])[];
  readonly greedy_tokens: number;
}

/** Segments are ids, so that any number that is none keeps a picture's place. */
const PLACE = 1e6;

export const run = eachCase(async (golden, backend, file) => {
  const vision = networkOf(file, golden, 'vision');
  const language = networkOf(file, golden, 'llm');
  const network = await goldenLlama(language.config, language.weights);
  const theirs = vision.config as unknown as OriginalMiniGpt4;
  const states = await runFrontEnd(backend, theirs, vision.weights, golden.inputs);

  const { segments, target } = golden.inputs as unknown as Inputs;
  const { bos_token_id: first, stop_sequences: stops, greedy_tokens: maxTokens } = golden.config as unknown as Config;
  const images = rowsOf(states['llm_inputs']!).slice(0, segments.length - 1);
  const placed = { placeholder: PLACE, images, width: network.width };
  const ids = segments.flatMap((segment, index) => (index === 0 ? [first, ...segment] : [PLACE, ...segment]));
  const prompt = placeImages(ids, placed);

  const { greedy, loss, ...expected } = golden.outputs;
  const results = compareOutputs(
    { ...golden, outputs: expected },
    { ...states, ...(await readPrompts(backend, network, [prompt])) },
  );
  const [tokens] = await continuePrompts(backend, network, [prompt], { maxTokens, stops });
  results.push(compareExact(`${golden.name} / greedy`, tokens, readValues(greedy).data));
  if (target) {
    const whole = placeImages([...ids, ...target], placed);
    const counts = whole.ids.map((_, at) => (at < whole.ids.length - target.length ? 0 : 1));
    const weights = toTensor({ shape: [1, counts.length], data: counts });
    const got = await readPrompts(backend, network, [whole], { weights });
    results.push(...compareOutputs({ ...golden, outputs: { loss } }, got));
  }
  return results;
});

/**
 * `npm run bench -- text [--texts 1,8] [--tokens 64] [--prompt 32] [--threads N] [--model FOLDER]`: how many tokens a second a
 * language model writes, one text alone and several at once, and how long a prompt takes. Without a model: one of random
 * weights in the shape of SmolLM-135M.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { float32, sizeOf } from '../src/core/host-tensor.ts';
import { seededRandom } from '../src/core/random.ts';
import { flattenTree } from '../src/core/tree.ts';
import { Duet, type Llama } from '../src/index.ts';
import { llamaSpec } from '../src/lm/index.ts';
import { isParamSpec } from '../src/nn/params.ts';
import { llamaConfigFrom, llamaRules } from '../src/weights/names/llama.ts';
import { writeSafetensors } from '../src/weights/write-safetensors.ts';

const smolLm = {
  model_type: 'llama',
  vocab_size: 49_152,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-5,
  tie_word_embeddings: true,
};

async function writeModel(folder: string): Promise<void> {
  const config = llamaConfigFrom(smolLm, 'smollm');
  const specs = flattenTree(llamaSpec(config), isParamSpec);
  const rules = llamaRules(config);
  const named = rules.map(({ ours, theirs }) => [`${theirs}`, specs[ours]!.shape] as const);
  const random = seededRandom(1);
  const tensors = async function* () {
    for (const [name, shape] of named) {
      const [scale, shift] = shape.length === 1 ? [0, 1] : [0.1, 0];
      const data = Float32Array.from({ length: sizeOf(shape) }, () => scale * (random() - 0.5) + shift);
      yield [name, float32(shape, data)] as const;
    }
  };
  const header = Object.fromEntries(named.map(([name, shape]) => [name, { dtype: 'float32' as const, shape }]));
  await writeSafetensors(join(folder, 'model.safetensors'), header, tensors(), { floats: 'F16' });
  const vocab = Object.fromEntries(Array.from({ length: smolLm.vocab_size }, (_, id) => [`<${id}>`, id]));
  const tokenizer = { added_tokens: [], decoder: { type: 'Fuse' }, model: { type: 'BPE', vocab, merges: [] } };
  await writeFile(join(folder, 'config.json'), JSON.stringify(smolLm));
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer));
}

async function measure(model: Llama, texts: number, tokens: number, prompt: number): Promise<void> {
  const ids = (text: number) => Array.from({ length: prompt }, (_, i) => (31 * i + 7 * text) % smolLm.vocab_size);
  const write = (maxTokens: number) =>
    Promise.all(Array.from({ length: texts }, (_, text) => model.generate(ids(text), { maxTokens, temperature: 0 })));
  const time = async (maxTokens: number): Promise<number> => {
    const begin = performance.now();
    await write(maxTokens);
    return performance.now() - begin;
  };
  await time(4);
  const first = await time(1);
  const all = await time(tokens + 1);
  const each = (all - first) / tokens;
  console.log(
    `${texts} at once: ${((1000 * texts) / each).toFixed(1)} tokens/s, ${each.toFixed(1)} ms a token, prompts of ${prompt}: ${first.toFixed(0)} ms`,
  );
}

export async function run(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      texts: { type: 'string', default: '1,8' },
      tokens: { type: 'string', default: '64' },
      prompt: { type: 'string', default: '32' },
      threads: { type: 'string' },
      model: { type: 'string' },
    },
  });
  const scratch = await mkdtemp(join(tmpdir(), 'duet-bench-'));
  try {
    if (!values.model) await writeModel(scratch);
    const begin = performance.now();
    const threads = values.threads ? { threads: Number(values.threads) } : {};
    const model = await Duet.loadLanguageModel(values.model ?? scratch, threads);
    await model.generate([1], { maxTokens: 1 });
    console.log(`loaded in ${((performance.now() - begin) / 1000).toFixed(1)} s`);
    for (const texts of values.texts.split(',')) {
      await measure(model, Number(texts), Number(values.tokens), Number(values.prompt));
    }
    await model.release();
  } finally {
    await rm(scratch, { recursive: true });
  }
}

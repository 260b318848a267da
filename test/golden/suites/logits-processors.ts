/** Logits processors: which tokens survive, and their probabilities. Host code: the same on every backend. */
import { type LogitsOptions, processLogits } from '../../../src/lm/index.ts';
import { softmax } from '../../../src/lm/logits-processors.ts';
import { compare, compareExact } from '../compare.ts';
import { eachCase } from '../harness.ts';
import { makeInputs, readValues } from '../tensors.ts';

interface Pipeline {
  readonly name: string;
  readonly repetition_penalty?: number;
  readonly temperature?: number;
  readonly top_k?: number;
  readonly top_p?: number;
}

function optionsOf(pipeline: Pipeline): LogitsOptions {
  return {
    ...(pipeline.repetition_penalty !== undefined && { repetitionPenalty: pipeline.repetition_penalty }),
    ...(pipeline.temperature !== undefined && { temperature: pipeline.temperature }),
    ...(pipeline.top_k !== undefined && { topK: pipeline.top_k }),
    ...(pipeline.top_p !== undefined && { topP: pipeline.top_p }),
  };
}

/** Row `index` of a matrix. */
function row<T extends Float32Array | Int32Array>(data: T, columns: number, index: number): T {
  return data.slice(index * columns, (index + 1) * columns) as T;
}

export const file = 'logits-processors.json';

export const run = eachCase(({ name: caseName, config, inputs, outputs, tolerance }) => {
  const names = { logits: ['logits', 'float32'], seen_ids: ['seen', 'int32'] } as const;
  const { logits, seen } = makeInputs(inputs, names);
  const [rows, width] = logits!.shape as [number, number];
  const none = new Int32Array(0);
  return (config['pipelines'] as readonly Pipeline[]).flatMap(pipeline => {
    const expected = outputs[pipeline.name] as { kept: unknown; probabilities: unknown };
    const processed = Array.from({ length: rows }, (_, index) =>
      processLogits(
        row(logits!.data as Float32Array, width, index),
        optionsOf(pipeline),
        seen ? row(seen.data as Int32Array, seen.shape[1]!, index) : none,
      ),
    );
    const kept = processed.flatMap(values => Array.from(values, value => (Number.isFinite(value) ? 1 : 0)));
    const probabilities = { shape: [rows, width], data: processed.flatMap(values => [...softmax(values)]) };
    const name = `${caseName} / ${pipeline.name}`;
    return [
      compareExact(`${name} kept`, kept, readValues(expected.kept, name).data),
      compare(`${name} probabilities`, probabilities, expected.probabilities, tolerance),
    ];
  });
});

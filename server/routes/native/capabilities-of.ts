/** What a served model can do, as it is on the wire. */
import {
  type CallDefaults,
  type CallSpec,
  choicesOf,
  type InputName,
  type Limits,
} from '../../../src/pipelines/index.ts';
import type { ServerConfig } from '../../config.ts';
import { mostCharacters, mostMessages, mostPictures } from '../../schemas/dialogue.ts';
import { optionFields, servedOptions } from '../../schemas/option-fields.ts';
import { snakeCase } from '../../schemas/snake-case.ts';
import type { ModelInfo } from '../../types.ts';
import type { Capabilities, OptionSchema, WireCall } from './wire.ts';

/** Names as they are on the wire; `limits` and `defaults` once more by name, for clients that know the common options. */
export function capabilitiesOf(model: ModelInfo, models: readonly ModelInfo[], config: ServerConfig): Capabilities {
  const { calls, defaults, examples } = model;
  const options = servedOptions([model]);
  const most = (name: string) => (options[name] as Limits | undefined)?.maximum;
  const [first] = Object.values(defaults);
  return {
    model: model.id,
    family: model.family,
    models: models.map(({ id }) => id),
    modes: Object.keys(calls),
    calls: Object.fromEntries(Object.entries(calls).map(([mode, call]) => [mode, toWireCall(call, defaults[mode]!)])),
    options: optionFields(options) as Record<string, OptionSchema>, // typebox's types do not tell the keywords
    solvers: choicesOf(options['solver']),
    image_size: model.imageSize ?? null,
    defaults: {
      steps: first?.steps,
      guidance: Object.fromEntries(
        Object.entries(defaults).flatMap(([mode, { guidance }]) => (guidance === undefined ? [] : [[mode, guidance]])),
      ),
    },
    limits: {
      n: most('n'),
      steps: most('steps'),
      frames: most('frames'),
      rounds: most('rounds'),
      request_bytes: config.maxBodyBytes,
      image_pixels: config.maxPixels,
      messages: model.dialogue && mostMessages,
      message_pictures: model.dialogue && mostPictures,
      message_characters: model.dialogue && mostCharacters,
    },
    familiarity: model.familiarity ?? null,
    dialogue: model.dialogue ?? null,
    examples,
    vocabulary: model.vocabulary ?? null,
  };
}

function toWireCall(call: CallSpec, defaults: CallDefaults): WireCall {
  const { options, optionNeeds = {}, withoutEffect = [], ...told } = call;
  return {
    ...told,
    options: options.map(snakeCase),
    without_effect: withoutEffect.map(snakeCase),
    option_needs: withSnakeCase(optionNeeds as Readonly<Record<string, InputName>>), // a record of those that are there
    defaults: withSnakeCase(defaults) as WireCall['defaults'], // values of options
  };
}

function withSnakeCase<T>(values: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [snakeCase(name), value]));
}

/** Reading other libraries' config.json files, which come from outside: whatever they hold. */
import Type from 'typebox';
import { Value } from 'typebox/value';
import { DuetError } from '../../core/errors.ts';

/** A field that may be absent or null, which both mean the default. */
export const orNull = <T extends Type.TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));

const size = Type.Integer({ minimum: 1 });

/** Layers are listed before any weight is looked at, so that a file must not name more than memory holds. */
export const layerCount = Type.Integer({ minimum: 1, maximum: 1000 });

/** How transformers describes the layers of image towers and Q-Formers. */
export const blockFields = {
  hidden_size: Type.Optional(size),
  intermediate_size: Type.Optional(size),
  num_hidden_layers: Type.Optional(layerCount),
  num_attention_heads: Type.Optional(size),
  hidden_act: Type.Optional(Type.String()),
  layer_norm_eps: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
};

/**
 * `json` as the fields of `schema`; others may be there too.
 * @param origin the file's path, for messages
 * @throws DuetError `invalid-config` that names the first field that is wrong
 */
export function readFields<T extends Type.TSchema>(schema: T, json: unknown, origin: string): Type.Static<T> {
  if (Value.Check(schema, json)) return json;
  const [first] = Value.Errors(schema, json);
  const field = first?.instancePath.slice(1).replaceAll('/', '.') || 'the file';
  throw new DuetError('invalid-config', `${origin}: ${field} ${first?.message ?? 'is not valid'}`);
}

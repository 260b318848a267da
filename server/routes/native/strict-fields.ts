/** Native routes know their clients: a field that they do not have is a mistake, and told as one. */
import type { TSchema } from 'typebox';
import { nearestName } from '../../../src/core/nearest-name.ts';
import { nativeField } from '../compat/foreign-names.ts';
import { bodyValidator } from '../compat/parse-body.ts';
import { WireFault } from '../compat/wire-fault.ts';

/** How pictures are to look is asked where they are fetched in other families. */
const looks: ReadonlySet<string> = new Set([
  'width',
  'height',
  'size',
  'aspect_ratio',
  'output_format',
  'output_quality',
  'output_compression',
  'response_format',
]);

/** As `bodyValidator`, but unknown fields are refused, with the one that may have been meant. */
export function strictValidator({ schema }: { schema: TSchema }): ReturnType<typeof bodyValidator> {
  const validate = bodyValidator({ schema });
  const known = Object.keys((schema as { properties?: object }).properties ?? {});
  return fields => {
    const names = typeof fields === 'object' && fields !== null && !Array.isArray(fields) ? Object.keys(fields) : [];
    const unknown = names.find(name => !known.includes(name));
    return unknown === undefined ? validate(fields) : { error: unknownField(unknown, known) };
  };
}

function unknownField(name: string, known: readonly string[]): WireFault {
  const shown = name.length > 60 ? `${name.slice(0, 57)}...` : name;
  const meant = nativeField(name) ?? nearestName(name, known);
  const hint = meant !== undefined && known.includes(meant) ? `; did you mean '${meant}'?` : '.';
  const look = looks.has(name)
    ? " A job's pictures are PNG files of the model's own size; /v1/images/generations takes size and output_format."
    : '';
  return new WireFault('invalid_value', shown, `Unknown field '${shown}'${hint}${look} Fields: ${known.join(', ')}.`);
}

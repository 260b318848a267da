/**
 * docs/options.md: every option of every call with its limits, its defaults and its names in the command line and the routes. All of
 * it is read from the table of calls, the schemas of the options and the schemas of the routes.
 */
import { Command } from 'commander';
import type { TSchema } from 'typebox';
import { serverConfig } from '../server/config.ts';
import { describeServed } from '../server/load-model.ts';
import { jobBody } from '../server/schemas/job.ts';
import { openaiBodies, openaiNames } from '../server/schemas/openai.ts';
import { namesOf, type OptionNames } from '../server/schemas/option-fields.ts';
import { predictionInput, predictionNames } from '../server/schemas/replicate.ts';
import { generationNames, imageToImageBody, textToImageBody } from '../server/schemas/sdapi.ts';
import { withLimits } from '../server/served-options.ts';
import type { ModelInfo } from '../server/types.ts';
import { addCallOptions, callOption } from '../src/cli/call-options.ts';
import { type CallMode, type CallSpec, defaultOf, limitsOf } from '../src/pipelines/index.ts';

/** What is said in a family's own way, under fields that are no option's name. */
const ownWays: Readonly<Record<string, readonly string[]>> = {
  n: ['n', 'batch_size', 'n_iter'],
  solver: ['solver', 'scheduler', 'sampler_name'],
  previewEvery: ['partial_images'],
};

const intro = `# Calls and options

Written by \`npm run docs\` from the table of calls and the schemas of their options, from which the library, the command line, the
routes and the page take them too. A test fails where this file is not what would be written.
`;

/** The document for the model `name`. */
export async function optionsDocument(name = 'emoji'): Promise<string> {
  const { info } = await describeServed(name);
  const served = withLimits({ info, model: null }, serverConfig()).info;
  return [
    intro,
    '## Calls\n',
    callTable(info),
    "\n*Needs*: one input of each group. The defaults of steps and guidance are those of the model `emoji`; a model folder's",
    'config.json may have others.\n',
    '## Options\n',
    optionTable(info, served),
    '\n## Which call takes which\n',
    useTable(info),
    '\n## Names\n',
    nameTable(info),
    '\nThe library has the names of the first column. Routes that are not listed take no options. `scheduler` and `sampler_name` also take',
    'the names of other programs, and the nearest solver that Duet has; `batch_size` and `n_iter` are multiplied; `partial_images` counts the previews.\n',
  ].join('\n');
}

function callTable({ calls, defaults }: ModelInfo): string {
  const rows = Object.entries(calls).map(([mode, { summary, needs, takes, makes }]) => {
    const { steps, guidance } = defaults[mode]!;
    const groups = needs.map(group => group.join(' or ')).join(', and ');
    return [code(mode), summary, groups || 'nothing', takes.join(', ') || 'nothing', makes, steps, guidance];
  });
  return table(['mode', 'does', 'needs', 'takes', 'makes', 'steps', 'guidance'], rows);
}

function optionTable({ options }: ModelInfo, served: ModelInfo): string {
  const rows = Object.entries(options).map(([name, schema]) => {
    const { description = '' } = schema as TSchema & { readonly description?: string };
    const [here, there] = [limitsOf(schema), limitsOf(served.options[name]!)];
    return [code(name), description, here, here === there ? 'the same' : there, defaultOf(schema) ?? 'none'];
  });
  return table(['option', 'is', 'values', 'values the service takes, as configured by default', 'default'], rows);
}

function useTable({ calls, options }: ModelInfo): string {
  const modes = Object.entries<CallSpec>(calls);
  const rows = Object.keys(options).map(name => [
    code(name),
    ...modes.map(([, call]) => {
      if (!call.options.includes(name)) return '';
      const input = call.optionNeeds?.[name];
      return input === undefined ? 'yes' : `with ${input}`;
    }),
  ]);
  return table(['', ...modes.map(([mode]) => code(mode))], rows);
}

function nameTable(info: ModelInfo): string {
  const bodies = openaiBodies([info]);
  const routes: readonly [string, { readonly properties: object }, OptionNames][] = [
    ['`/v1/jobs`', jobBody([info]), {}],
    ['`/v1/images/generations`', bodies.generation, openaiNames],
    ['`/v1/images/edits`', bodies.edit, openaiNames],
    ['`/v1/images/variations`', bodies.variation, openaiNames],
    ['`/v1/chat/completions`', bodies.chat, openaiNames],
    ['`txt2img`', textToImageBody([info]), generationNames],
    ['`img2img`', imageToImageBody([info]), generationNames],
    ['Replicate', predictionInput([info]), predictionNames],
  ];
  const rows = Object.keys(info.options).map(name => [
    code(name),
    flagOf(info, name),
    ...routes.map(([, { properties }, names]) => {
      const fields = new Set([...namesOf(name, names), ...(ownWays[name] ?? [])]);
      return [...fields]
        .filter(field => Object.hasOwn(properties, field))
        .map(code)
        .join(', ');
    }),
  ]);
  return table(['option', '`duet`', ...routes.map(([route]) => route)], rows);
}

/** The flag of an option, if the command of some call has it. */
function flagOf({ calls }: ModelInfo, name: string): string {
  const [mode] = Object.entries<CallSpec>(calls).find(([, call]) => call.options.includes(name)) ?? [];
  if (mode === undefined) return '';
  const { flags } = callOption(mode as CallMode, name); // the table's own keys
  return addCallOptions(new Command(), mode as CallMode).options.some(option => option.flags === flags)
    ? code(flags.replace(/ <.*$/, ''))
    : '';
}

const code = (text: string) => `\`${text}\``;

function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const line = (cells: readonly unknown[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

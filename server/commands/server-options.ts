/** The flags of `duet serve` and `duet doctor`: one for each key of the server's configuration. */
import { type Command, Option } from 'commander';
import { serverConfigSchema } from '../config.ts';
import { configKeys, flagOf, type ResolvedConfig, resolveConfig, variableOf } from '../config-sources.ts';

/** By configuration key; only those that were given. */
export type ServerFlags = Readonly<Record<string, unknown>> & { readonly config?: string };

export function addServerOptions(command: Command): Command {
  command.option('--config <path>', 'configuration file (default: duet.config.json, if there is one)');
  for (const key of configKeys) {
    const {
      description,
      default: standard,
      type,
    } = serverConfigSchema.properties[key] as {
      description?: string;
      default?: unknown;
      type?: string;
    };
    const value = { integer: ' <number>', boolean: '', array: ' <list>' }[type ?? ''] ?? ' <value>';
    const shown = Array.isArray(standard) ? 'none' : String(standard);
    command.addOption(new Option(`--${flagOf(key)}${value}`, `${description} (${variableOf(key)}, default: ${shown})`));
  }
  return command;
}

/** Flags over environment over file over defaults. Throws DuetError 'invalid-config'. */
export function resolveFlags({ config: file, ...flags }: ServerFlags): Promise<ResolvedConfig> {
  return resolveConfig({ flags, env: process.env, ...(file !== undefined && { file }) });
}

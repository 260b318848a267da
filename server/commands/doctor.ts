/** `duet doctor`: the configuration in effect, where each value comes from, and whether a server could run here. */
import type { Command } from 'commander';
import pc from 'picocolors';
import { jsonOption } from '../../src/cli/options.ts';
import type { CommandContext } from '../../src/cli/sampling-command.ts';
import { write } from '../../src/cli/terminal.ts';
import { DuetError } from '../../src/core/errors.ts';
import type { DoctorReport } from '../doctor.ts';
import { addServerOptions, resolveFlags, type ServerFlags } from './server-options.ts';

export function registerDoctor(program: Command, { terminal }: CommandContext): void {
  const command = program.command('doctor').description('show the effective configuration and check this machine');
  addServerOptions(command)
    .addOption(jsonOption())
    .action(async ({ json, ...flags }: ServerFlags & { json: boolean }) => {
      const { examine } = await import('../doctor.ts');
      const report = await examine(await resolveFlags(flags));
      await write(terminal.stdout, json ? `${JSON.stringify(report, null, 2)}\n` : toText(report));
      if (report.isHealthy) return;
      const failed = report.checks.filter(({ isFine }) => !isFine).map(({ name }) => name);
      throw new DuetError('invalid-config', `A server could not run here: ${failed.join(', ')}`);
    });
}

function toText({ versions, machine, checks, configFile, config, unknownVariables }: DoctorReport): string {
  const width = Math.max(...Object.keys(config).map(name => name.length));
  return [
    `Duet ${versions['duet']}, Node ${versions['node']}, ${machine.platform}, ${machine.cores} cores, ${machine.memoryGigabytes} GB`,
    '',
    ...checks.map(({ name, isFine, detail }) => `${isFine ? pc.green('✓') : pc.red('✗')} ${name}: ${detail}`),
    '',
    `Configuration${configFile === null ? '' : ` (file: ${configFile})`}`,
    ...Object.entries(config).map(([name, { value, origin }]) => {
      const text = `  ${name.padEnd(width)}  ${typeof value === 'string' ? value : JSON.stringify(value)}`;
      return origin === 'default' ? pc.dim(text) : `${text}  ${pc.cyan(`(${origin})`)}`;
    }),
    ...unknownVariables.map(name => pc.yellow(`Nothing reads ${name}: check its spelling.`)),
    '',
  ].join('\n');
}

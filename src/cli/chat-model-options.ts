/** What commands that answer in dialogues share: options, loading the model, and how an answer is written down. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import pc from 'picocolors';
import { makeFolder } from '../core/folders.ts';
import { inference } from '../index.ts';
import {
  ChatModel,
  embeddedChatModel,
  type InterleavedAnswer,
  type InterleavedChatEvent,
  type InterleavedChatOptions,
  type InterleavedMessage,
  seedLimit,
} from '../pipelines/index.ts';
import { inlinePicture } from './inline-picture.ts';
import * as option from './options.ts';
import type { ModelFlags } from './sampling-command.ts';
import { type Terminal, visible, write } from './terminal.ts';

/** Flags of every command that answers. */
export interface ChatFlags extends Omit<ModelFlags, 'precision'> {
  readonly system?: string;
  readonly seed?: number;
  readonly temperature?: number;
  readonly maxTokens?: number;
  readonly beams?: number;
  readonly draw?: 'auto' | 'always' | 'never';
  readonly out: string;
}

const temperature = (text: string): number => {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 100) return value;
  throw new InvalidArgumentError('Expected a number from 0 to 100.');
};

export function addChatOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--model <name>', 'an embedded model that converses or a model folder')
        .env('DUET_CHAT_MODEL')
        .default(embeddedChatModel),
    )
    .addOption(new Option('--system <words>', "instructions in place of the model's own"))
    .addOption(
      new Option('--seed <number>', 'the same seed gives the same answer').argParser(
        option.wholeNumber(0, seedLimit - 1),
      ),
    )
    .addOption(new Option('--temperature <number>', '0 takes the most probable token each time').argParser(temperature))
    .addOption(new Option('--max-tokens <number>', 'most tokens of an answer').argParser(option.wholeNumber(1, 1e6)))
    .addOption(
      new Option('--beams <number>', 'search for the most probable answer, in models that answer in words').argParser(
        option.wholeNumber(1, 16),
      ),
    )
    .addOption(new Option('--draw <when>', 'whether answers have pictures').choices(['auto', 'always', 'never']))
    .addOption(new Option('-o, --out <folder>', 'where drawn pictures are written').default('.'))
    .addOption(option.deviceOption())
    .addOption(option.threadsOption())
    .addOption(option.maxMemoryOption());
}

export async function loadChatModel(
  terminal: Terminal,
  { model, device, threads, maxMemory = 0 }: ChatFlags,
): Promise<ChatModel> {
  inference.setMaxMemory(maxMemory);
  return ChatModel.load(model, { device, signal: terminal.signal, ...(threads !== undefined && { threads }) });
}

/** Of a call, as far as flags say. */
export function chatOptions({ seed, temperature, maxTokens, beams, draw }: ChatFlags): InterleavedChatOptions {
  const given = { seed, temperature, maxTokens, beams, draw };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

export function systemMessages({ system }: ChatFlags): InterleavedMessage[] {
  return system === undefined ? [] : [{ role: 'system', content: system }];
}

/** An answer, and the files of its pictures. */
export interface WrittenAnswer {
  readonly answer: InterleavedAnswer;
  readonly files: readonly string[];
}

/**
 * Writes an answer down as it comes: words to stdout, pictures to files of `folder`, whose names stand among the words, with the
 * pictures themselves where the terminal can show them.
 */
export async function writeAnswer(
  terminal: Terminal,
  events: AsyncIterable<InterleavedChatEvent>,
  folder: string,
): Promise<WrittenAnswer> {
  const files: string[] = [];
  for await (const event of events) {
    switch (event.type) {
      case 'text-delta':
        await write(terminal.stdout, visible(event.text));
        break;
      case 'image': {
        const file = join(folder, `duet-${event.seed}.png`);
        await makeFolder(folder);
        const png = await event.image.toPng();
        await writeFile(file, png);
        files.push(file);
        const shown = inlinePicture(png, terminal.stdout);
        await write(terminal.stdout, `\n${shown}${pc.dim(`[${visible(file)}]`)}\n`);
        break;
      }
      case 'done':
        await write(terminal.stdout, '\n');
        return { answer: event.answer, files };
    }
  }
  throw new Error('A stream of events ends with the answer');
}

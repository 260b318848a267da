/** `duet chat`: a conversation in the terminal, with pictures of both sides. Every line is a message; lines with / are commands. */
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import pc from 'picocolors';
import { DuetError } from '../core/errors.ts';
import { checkImage, readImageBytes } from '../image/index.ts';
import type { ChatModel, ContentPart, InterleavedMessage } from '../pipelines/index.ts';
import { seedLimit } from '../pipelines/index.ts';
import {
  addChatOptions,
  type ChatFlags,
  chatOptions,
  loadChatModel,
  systemMessages,
  writeAnswer,
} from './chat-model-options.ts';
import { checkFile } from './output.ts';
import type { CommandContext } from './sampling-command.ts';
import { type Terminal, write } from './terminal.ts';

const help = `
  /image PATH   give a picture with the next message
  /seed NUMBER  the seed of the next answer
  /save FILE    write the conversation so far as Markdown
  /new          begin anew
  /help         these lines
  /quit         end; so does Ctrl-D
`;

export function registerChat(program: Command, { terminal }: CommandContext): void {
  const command = program.command('chat').description('talk with a model that answers in words and pictures');
  addChatOptions(command)
    .addHelpText('after', `\nIn the conversation:${help}`)
    .action(async (flags: ChatFlags) => {
      const model = await loadChatModel(terminal, flags);
      try {
        await new Conversation(terminal, model, flags).run();
      } finally {
        await model.release();
      }
    });
}

class Conversation {
  readonly #terminal: Terminal;
  readonly #model: ChatModel;
  readonly #flags: ChatFlags;
  #messages: InterleavedMessage[];
  /** What was said, in Markdown. */
  #record: string[] = [];
  #pictures: string[] = [];
  #seed: number | undefined;

  constructor(terminal: Terminal, model: ChatModel, flags: ChatFlags) {
    this.#terminal = terminal;
    this.#model = model;
    this.#flags = flags;
    this.#messages = systemMessages(flags);
    this.#seed = flags.seed;
  }

  async run(): Promise<void> {
    const { stdin, stderr, signal } = this.#terminal;
    await write(stderr, pc.dim(`Talking with ${this.#model.name}; /help lists the commands.\n`));
    await this.#prompt();
    // Nothing may be awaited between making the interface and reading it: lines that come meanwhile are lost.
    for await (const line of createInterface({ input: stdin, signal })) {
      signal.throwIfAborted();
      const text = line.trim();
      if (text === '/quit') break;
      if (text !== '') await this.#take(text);
      await this.#prompt();
    }
    signal.throwIfAborted();
  }

  #prompt(): Promise<void> {
    const given = this.#pictures.length === 0 ? '' : pc.dim(`[${this.#pictures.join(', ')}] `);
    return write(this.#terminal.stderr, `${given}${pc.cyan('>')} `);
  }

  /** One line. What is wrong with it is said, and the conversation goes on. */
  async #take(text: string): Promise<void> {
    try {
      if (text.startsWith('/')) await this.#obey(text);
      else await this.#answer(text);
    } catch (error) {
      if (!DuetError.isInstance(error) || this.#terminal.signal.aborted) throw error;
      await write(this.#terminal.stderr, `${pc.red('Error:')} ${error.message}\n`);
    }
  }

  async #obey(line: string): Promise<void> {
    const [name = '', ...words] = line.split(/\s+/);
    const argument = words.join(' ');
    switch (name) {
      case '/help':
        return write(this.#terminal.stderr, help);
      case '/new':
        this.#messages = systemMessages(this.#flags);
        this.#record = [];
        this.#pictures = [];
        return;
      case '/image':
        if (!this.#model.sees) throw refused('This model is given no pictures');
        if (argument === '') throw refused('/image needs the path of a picture');
        // Now, and not with the message: one that cannot be read would be in the way of every message.
        await checkImage(await readImageBytes(argument, { signal: this.#terminal.signal }));
        this.#pictures.push(argument);
        return;
      case '/seed': {
        const seed = Number(argument);
        if (!/^\d+$/.test(argument) || seed >= seedLimit)
          throw refused(`/seed needs a whole number below ${seedLimit}`);
        this.#seed = seed;
        return;
      }
      case '/save':
        await checkFile(argument);
        await writeFile(argument, `${this.#record.join('\n\n')}\n`);
        return write(this.#terminal.stderr, pc.dim(`Written to ${argument}\n`));
      default:
        throw refused(`There is no command ${name}; /help lists them`);
    }
  }

  async #answer(text: string): Promise<void> {
    const given: ContentPart[] = this.#pictures.map(image => ({ type: 'image', image }));
    const question: InterleavedMessage = { role: 'user', content: [...given, { type: 'text', text }] };
    const events = this.#model.streamChat([...this.#messages, question], {
      ...chatOptions(this.#flags),
      ...(this.#seed !== undefined && { seed: this.#seed }),
      signal: this.#terminal.signal,
    });
    const { answer, files } = await writeAnswer(this.#terminal, events, this.#flags.out);
    // Without sight of its own pictures a model is told its words alone.
    const said = this.#model.sees ? answer.content : answer.content.filter(part => part.type === 'text');
    this.#messages.push(question, { role: 'assistant', content: said });
    this.#record.push(
      ...this.#pictures.map(shown),
      `**You:** ${text}`,
      `**${this.#model.name}:** ${answer.text}`,
      ...files.map(shown),
    );
    this.#pictures = [];
    // The next answer has pictures of its own.
    if (this.#seed !== undefined) this.#seed = (this.#seed + Math.max(1, answer.images.length)) % seedLimit;
  }
}

const shown = (file: string) => `![](${encodeURI(file)})`;

function refused(message: string): DuetError {
  return new DuetError('invalid-argument', message);
}

/**
 * Makes the tokenizer of a configuration of the stage `chat` from its dialogues: `npx tsx tools/chat-tokenizer.ts
 * configs/emoji/11-chat.json 1792` writes the file that the configuration names, with at most so many tokens.
 */
import { writeFile } from 'node:fs/promises';
import { readJsonFile } from '../src/core/json-file.ts';
import { parseStageConfig } from '../src/train/config.ts';
import { trainChatTokenizer } from '../src/train/data/chat-tokenizer.ts';
import { sceneDialogues } from '../src/train/data/scene-dialogues.ts';

const [file = '', size = ''] = process.argv.slice(2);
const config = parseStageConfig(await readJsonFile(file), file);
if (config.stage !== 'chat') throw new Error(`${file} is of the stage ${config.stage}, not of chat`);
const { parts, model, data } = config;
const source = await sceneDialogues({ side: data.size, count: data.count, seed: data.seed });
const tokenizer = await trainChatTokenizer(source, { vokens: model.vokens, vocabularySize: Number(size) });
await writeFile(parts.tokenizer, `${JSON.stringify(tokenizer)}\n`);

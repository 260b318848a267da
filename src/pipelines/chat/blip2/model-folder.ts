/**
 * BLIP-2 and InstructBLIP folders as transformers writes them (Blip2ForConditionalGeneration, Li et al., arXiv 2301.12597;
 * InstructBlipForConditionalGeneration, Dai et al., arXiv 2305.06500): EVA ViT, Q-Former, projection and a language model in one
 * checkpoint. The language model's tensors stay where they lie; those of the front end are converted once, into the cache.
 */
import { basename, join, resolve } from 'node:path';
import Type from 'typebox';
import { DuetError } from '../../../core/errors.ts';
import { readJsonFile } from '../../../core/json-file.ts';
import { JsonTokenizer, PromptEncoder } from '../../../tokenizer/index.ts';
import { visualFrontEndSpec } from '../../../vision/index.ts';
import type { VokenVocabulary } from '../../../vokens/index.ts';
import { openConverted } from '../../../weights/converted.ts';
import { openHuggingFaceWeights } from '../../../weights/hugging-face-folder.ts';
import { blip2ConfigFrom, blip2PrefixOf, blip2Rules, languageName } from '../../../weights/names/blip2.ts';
import { orNull, readFields } from '../../../weights/names/config-file.ts';
import { readLanguagePart } from '../../language/read-part.ts';
import { readRequired } from '../../language/text-files.ts';
import type { ChatFolder } from '../chat-folder.ts';
import { readProcessor } from '../image-processor.ts';
import { blip2Prompt } from './prompt.ts';

const configSchema = Type.Object({ text_config: orNull(Type.Object({}, { additionalProperties: true })) });

/** Pictures stand in front of the text, where no token keeps their places: only that one is kept from texts that is theirs elsewhere. */
const vocabulary: VokenVocabulary = { vokens: [], image: { name: '<image>', id: -1 } };

/** @throws DuetError 'model-not-found' | 'invalid-config' | 'invalid-weights' */
export async function readBlip2Folder(folder: string, family: 'blip-2' | 'instructblip'): Promise<ChatFolder> {
  const instructed = family === 'instructblip';
  const file = join(folder, 'config.json');
  const json = await readJsonFile(file);
  const { text_config: config } = readFields(configSchema, json, file);
  const { tensors, checkpoint } = await openHuggingFaceWeights(folder);
  const prefix = blip2PrefixOf(Object.keys(tensors), folder);
  const part = { config: config ?? {}, prefix: `${prefix}${languageName}`, tensors };
  const language = await readLanguagePart(folder, part, 'opt');
  const network = blip2ConfigFrom(json, { origin: file, languageWidth: language.network.width, instructed });
  const instruction = instructed
    ? await readInstructionTokenizer(folder, network.connector.qFormer!.text!.vocabularySize)
    : undefined;
  const params = await openConverted(visualFrontEndSpec(network), () => blip2Rules(network, prefix), checkpoint, {
    name: family,
    // The language model's, and buffers of old files.
    mayIgnore: tensor => tensor.startsWith(part.prefix) || tensor.endsWith('.position_ids'),
  });
  return {
    family,
    name: basename(resolve(folder)),
    language,
    vocabulary,
    write: messages => blip2Prompt(messages, { instructed, vocabulary }),
    stop: [],
    sampling: language.defaults,
    frontEnd: {
      network,
      input: await readProcessor(folder, { imageSize: network.tower.imageSize, fit: 'stretch' }),
      params,
      ...(instruction && { instruction }),
    },
  };
}

/** The Q-Former's own. */
async function readInstructionTokenizer(folder: string, vocabularySize: number): Promise<PromptEncoder> {
  const file = join(folder, 'qformer_tokenizer', 'tokenizer.json');
  const tokenizer = new JsonTokenizer(await readRequired(file), file);
  if (tokenizer.vocabularySize <= vocabularySize) return new PromptEncoder(tokenizer, { file });
  throw new DuetError(
    'invalid-config',
    `${file} has ids up to ${tokenizer.vocabularySize - 1}, the Q-Former has ${vocabularySize} tokens: they do not belong together`,
  );
}

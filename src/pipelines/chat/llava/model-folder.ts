/**
 * A LLaVA folder as transformers writes it (LlavaForConditionalGeneration; Liu et al., arXiv 2304.08485 and 2310.03744): CLIP,
 * a projector and a Llama in one checkpoint. The language model's tensors stay where they lie; those of the front end are
 * converted once, into the cache.
 */
import { basename, join, resolve } from 'node:path';
import Type from 'typebox';
import { DuetError } from '../../../core/errors.ts';
import { readJsonFile, readOptionalJsonFile } from '../../../core/json-file.ts';
import type { ChatTemplate } from '../../../tokenizer/index.ts';
import { visualFrontEndSpec } from '../../../vision/index.ts';
import { checkVocabulary, type VokenVocabulary } from '../../../vokens/index.ts';
import { openConverted } from '../../../weights/converted.ts';
import { openHuggingFaceWeights } from '../../../weights/hugging-face-folder.ts';
import { readFields } from '../../../weights/names/config-file.ts';
import { llavaConfigFrom, llavaNamesOf, llavaRules } from '../../../weights/names/llava.ts';
import { readLlamaFolder } from '../../llama/model-folder.ts';
import type { ChatFolder } from '../chat-folder.ts';
import {
  checkDialogue,
  type DialogueText,
  dialogueText,
  type InterleavedMessage,
  type PromptForm,
  partsOf,
  written,
} from '../dialogue.ts';
import { readProcessor } from '../image-processor.ts';

const id = Type.Integer({ minimum: 0 });
const configSchema = Type.Object({
  text_config: Type.Object({}, { additionalProperties: true }),
  /** Under either name, by the version of transformers. */
  image_token_index: Type.Optional(id),
  image_token_id: Type.Optional(id),
});
const processorSchema = Type.Object({ image_token: Type.Optional(Type.String({ minLength: 1 })) });

/** Of folders without a chat template: what LLaVA 1.5 was trained on. */
const vicunaForm = { system: '', user: 'USER: ', assistant: 'ASSISTANT: ', separator: ' ' } as const;

/** @throws DuetError 'model-not-found' | 'invalid-config' | 'invalid-weights' */
export async function readLlavaFolder(folder: string): Promise<ChatFolder> {
  const file = join(folder, 'config.json');
  const json = await readJsonFile(file);
  const config = readFields(configSchema, json, file);
  const { tensors, checkpoint } = await openHuggingFaceWeights(folder);
  const names = Object.keys(tensors);
  const prefix = languagePrefixOf(names, folder);
  const language = await readLlamaFolder(folder, { part: { config: config.text_config, prefix, tensors } });
  const network = llavaConfigFrom(json, { origin: file, languageWidth: language.config.width });
  const { image_token: name = '<image>' } = readFields(
    processorSchema,
    (await readOptionalJsonFile(join(folder, 'processor_config.json'))) ?? {},
    join(folder, 'processor_config.json'),
  );
  const imageId = config.image_token_index ?? config.image_token_id;
  if (imageId === undefined) throw new DuetError('invalid-config', `${file} has no image_token_index`);
  const vocabulary: VokenVocabulary = { vokens: [], image: { name, id: imageId } };
  checkVocabulary(
    vocabulary,
    text => language.tokenizer.encode(text, { framed: false }),
    language.config.vocabularySize,
  );
  const own = llavaNamesOf(names, folder);
  const params = await openConverted(visualFrontEndSpec(network), () => llavaRules(network, own), checkpoint, {
    name: 'llava',
    // The language model's, and what of the tower is not computed: layers beyond the one that is read, its last norm, buffers.
    mayIgnore: tensor => tensor.startsWith(prefix) || tensor.startsWith(own.tower),
  });
  return {
    family: 'llava',
    name: basename(resolve(folder)),
    language,
    vocabulary,
    write: writerOf(language.chatTemplate, language.specialTokens, vocabulary),
    stop: [],
    sampling: language.defaults,
    frontEnd: {
      network,
      input: await readProcessor(folder, { imageSize: network.tower.imageSize, fit: 'crop' }),
      params,
    },
  };
}

/** What stands in front of the names of the language model's tensors. */
function languagePrefixOf(names: readonly string[], origin: string): string {
  const known = 'model.embed_tokens.weight';
  const found = names.find(name => name.endsWith(known));
  if (found !== undefined) return found.slice(0, -known.length);
  throw new DuetError('invalid-weights', `${origin} has no language model (…${known})`);
}

type Write = (messages: readonly InterleavedMessage[]) => DialogueText;

/** By the folder's chat template, whose messages have parts or, in older ones, are texts with the image token in them. */
function writerOf(
  template: ChatTemplate | undefined,
  variables: Readonly<Record<string, string>>,
  vocabulary: VokenVocabulary,
): Write {
  const { name } = vocabulary.image;
  const image = `${name}\n`;
  const form: PromptForm = { ...vicunaForm, image };
  if (!template) return messages => dialogueText(messages, form, vocabulary);
  const inParts = (messages: readonly InterleavedMessage[]) =>
    template.render(
      messages.map(({ role, content }) => ({
        role,
        content: partsOf(content).map(part => (part.type === 'text' ? part : { type: 'image' })),
      })),
      { variables },
    );
  const asTexts = (messages: readonly InterleavedMessage[]) =>
    template.render(
      messages.map(({ role, content }) => ({ role, content: written(content, image) })),
      { variables },
    );
  const render = takesParts(inParts, name) ? inParts : asTexts;
  return messages => {
    const images = checkDialogue(messages, vocabulary);
    return { text: render(messages), images, isFramed: true };
  };
}

/** Whether the template writes the image token for a part that is a picture. */
function takesParts(render: (messages: readonly InterleavedMessage[]) => string, name: string): boolean {
  const picture = { type: 'image', image: '' } as const;
  try {
    return render([{ role: 'user', content: [picture, { type: 'text', text: 'a' }] }]).split(name).length === 2;
  } catch {
    return false; // it wants texts
  }
}

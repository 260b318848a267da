/** A UniDiffuser from its folder. */
import { frameTokens } from '../../clip/index.ts';
import type { LoadOptions } from '../family.ts';
import { readModelFolder } from './model-folder.ts';
import { CompiledNetworks } from './networks/compiled-networks.ts';
import { UniDiffuser } from './unidiffuser.ts';

export async function loadUniDiffuser(folder: string, options: LoadOptions = {}): Promise<UniDiffuser> {
  options.signal?.throwIfAborted();
  const { config, ...model } = await readModelFolder(folder);
  const networks = await CompiledNetworks.create({ config, ...model }, options);
  return new UniDiffuser({
    config,
    networks,
    precision: options.precision ?? 'fp32',
    ...(networks.tokenizer.knownWords && { vocabulary: networks.tokenizer.knownWords.toSorted() }),
    inspectCaption: text => {
      const tokens = networks.tokenizer.encode(text).length;
      const unknownWords = networks.tokenizer.unknownWords(text);
      return { unknownWords, cut: tokens > config.textTokens - frameTokens, tokens };
    },
  });
}

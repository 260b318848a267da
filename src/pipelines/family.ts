/** What a family of models consists of: a row of the table in index.ts. */
import type { Device, Precision } from '../engine/index.ts';
import type { CallTable, OptionSchemas } from './call-table.ts';
import type { ModelDescription, Pipeline } from './pipeline.ts';

export interface LoadOptions {
  /** @default 'cpu' */
  readonly device?: Device;
  /**
   * How the network that is evaluated at every step multiplies. `int8` is twice as fast and a little less exact: a sample
   * differs from the same in `fp32`, and a little with what is sampled at the same time.
   * @default 'fp32'
   */
  readonly precision?: Precision;
  /** Threads of the networks. @default all cores */
  readonly threads?: number;
  /**
   * Most evaluations in one network call, over all calls of the model at the same time (a guided picture takes 2 at
   * each step). @default what the device does best, measured meanwhile
   */
  readonly maxBatch?: number;
  readonly signal?: AbortSignal;
}

export interface Family<Model extends Pipeline = Pipeline> {
  /** Classes of diffusers' pipelines whose folders are of this family. @default none: its folders have a config.json */
  readonly pipelineClasses?: readonly string[];
  /** The calls that its models offer, and every option of these. */
  readonly calls: CallTable;
  readonly options: OptionSchemas;
  /**
   * What models of this configuration can do.
   * @param config what the folder's config.json says; of diffusers' folders a `DiffusersFolder`, of chat models `ChatFiles`
   * @param origin the path of the file or folder, for messages
   * @throws DuetError 'invalid-config' naming the place and `origin`
   */
  readonly describe: (config: unknown, origin: string) => ModelDescription;
  readonly load: (folder: string, options: LoadOptions) => Promise<Model>;
  /** Copies a model folder in half precision. Gives the bytes of its weights. Absent where folders are not Duet's own. */
  readonly pack?: (from: string, to: string, options: PackOptions) => Promise<number>;
}

export interface PackOptions {
  /** @default its present one */
  readonly name?: string;
  /** Of chat models that draw: the model with which it draws, an embedded one's name or a folder's path. @default the present one */
  readonly diffusion?: string;
}

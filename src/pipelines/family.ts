/** What a family of models consists of: a row of the table in index.ts. */
import type { TSchema } from 'typebox';
import type { Tree } from '../core/tree.ts';
import type { Device, Precision } from '../engine/index.ts';
import type { ParamSpec } from '../nn/params.ts';
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

/** Functions of a config.json throw DuetError 'invalid-config' naming the place and `origin`, its path. */
export interface Family<Model extends Pipeline = Pipeline> {
  /** The schema of config.json. */
  readonly configSchema: TSchema;
  /** The parameters of each network, by the network's name. */
  readonly specs: (config: unknown, origin: string) => Readonly<Record<string, Tree<ParamSpec>>>;
  /** The file of each network in a model folder. */
  readonly files: Readonly<Record<string, string>>;
  /** The calls that its models offer, and every option of these. */
  readonly calls: CallTable;
  readonly options: OptionSchemas;
  /** What models of this configuration can do. */
  readonly describe: (config: unknown, origin: string) => ModelDescription;
  readonly load: (folder: string, options: LoadOptions) => Promise<Model>;
  /** Copies a model folder in half precision, under a new `name` if one is given. Gives the bytes of its weights. */
  readonly pack: (from: string, to: string, name?: string) => Promise<number>;
}

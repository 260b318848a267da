/**
 * Limits a prefix of a bucket to one server by a lease: an object that names the owner, who renews it. Whether an owner
 * is still running cannot be seen over the network, so a new server waits until the lease has expired. Its age is read
 * off the store's clock, which all servers share.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuetError } from '../../src/core/errors.ts';
import type { S3Bucket } from './s3-bucket.ts';

const unreadableMs = 100;

export interface LeaseTimes {
  readonly renewMs: number;
  /** Age at which a lease expires; several times `renewMs`. */
  readonly staleMs: number;
}

export interface LeaseOptions extends LeaseTimes {
  /** The address of the prefix for messages, such as `s3://bucket/prefix`. */
  readonly place: string;
  readonly warn: (message: string) => void;
  /** Called after each renewal. */
  readonly onRenewed: () => Promise<void>;
}

interface Owner {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
}

export class S3Lease {
  readonly #bucket: S3Bucket;
  readonly #key: string;
  readonly #options: LeaseOptions;
  readonly #self: Owner = { id: randomUUID(), host: hostname(), pid: process.pid };
  #renewed = Number.NEGATIVE_INFINITY;
  #renewing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #newOwner: Owner | undefined;

  private constructor(bucket: S3Bucket, key: string, options: LeaseOptions) {
    this.#bucket = bucket;
    this.#key = key;
    this.#options = options;
  }

  /**
   * Takes the lease; waits for that of a server that has stopped to expire.
   * @throws DuetError 'invalid-config' if a running server has it, or the bucket cannot be used
   */
  static async take(bucket: S3Bucket, key: string, options: LeaseOptions): Promise<S3Lease> {
    const lease = new S3Lease(bucket, key, options);
    await lease.#wait();
    await lease.#write();
    await lease.#renew(); // finds another server that took it at the same moment
    lease.#timer = setInterval(() => void lease.#beat(), options.renewMs).unref();
    return lease;
  }

  /** Resolves if the prefix is this server's own. @throws DuetError 'invalid-config' if another one took it */
  async hold(): Promise<void> {
    if (performance.now() - this.#renewed > this.#options.staleMs) await this.#renew();
    if (this.#newOwner) throw this.#taken(this.#newOwner);
  }

  /** Removes the lease, so that another server can take it at once. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing?.catch(() => {});
    if (!this.#newOwner && (await this.#read())?.owner.id === this.#self.id) await this.#bucket.delete(this.#key);
  }

  async #wait(): Promise<void> {
    const { staleMs, renewMs } = this.#options;
    const started = performance.now();
    const first = await this.#read();
    if (first && first.ageMs < staleMs) {
      this.#options.warn(
        `${this.#options.place} was last used by ${nameOf(first.owner)}: waiting to see whether it lives`,
      );
    }
    for (let found = first; found && !(found.ageMs >= staleMs); found = await this.#read()) {
      // Last-Modified has whole seconds: a smaller age than before means that its owner is running.
      const isAlive = found.owner.id !== first?.owner.id || found.ageMs < (first?.ageMs ?? 0);
      const hasWaited = performance.now() - started > staleMs + renewMs;
      if (hasWaited && Number.isNaN(found.ageMs)) return;
      if (isAlive || hasWaited) throw this.#taken(found.owner);
      await sleep(Math.min(1000, renewMs));
    }
  }

  /** Makes renewals one at a time. */
  #renew(): Promise<void> {
    this.#renewing ??= this.#renewOnce().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renewOnce(): Promise<void> {
    if (this.#newOwner) throw this.#taken(this.#newOwner);
    const found = await this.#read();
    if (found && found.owner.id !== this.#self.id) {
      this.#newOwner = found.owner;
      clearInterval(this.#timer);
      throw this.#taken(found.owner);
    }
    await this.#write();
  }

  async #beat(): Promise<void> {
    try {
      await this.#renew();
      await this.#options.onRenewed();
    } catch (error) {
      this.#options.warn(error instanceof Error ? error.message : String(error));
    }
  }

  /** Reads the lease, and again where it is unreadable: not every compatible store replaces objects atomically. */
  async #read(tries = 5): Promise<{ readonly owner: Owner; readonly ageMs: number } | undefined> {
    const found = await this.#bucket.get(this.#key);
    if (!found) return undefined;
    const owner = readOwner(found.bytes);
    if (owner) return { owner, ageMs: found.ageMs };
    if (tries <= 1) return { owner: { id: '', host: 'an unknown machine', pid: 0 }, ageMs: found.ageMs };
    await sleep(unreadableMs);
    return this.#read(tries - 1);
  }

  async #write(): Promise<void> {
    const started = performance.now();
    await this.#bucket.put(this.#key, JSON.stringify(this.#self), 'application/json');
    this.#renewed = started;
  }

  #taken(owner: Owner): DuetError {
    const { place } = this.#options;
    return new DuetError(
      'invalid-config',
      `${place} is used by ${nameOf(owner)}; stop that server or choose another prefix with --data`,
    );
  }
}

function nameOf({ host, pid }: Owner): string {
  return `the process ${pid} of ${host}`;
}

function readOwner(bytes: Uint8Array): Owner | undefined {
  try {
    const { id, host, pid } = JSON.parse(Buffer.from(bytes).toString()) as Partial<Owner>;
    return { id: String(id), host: String(host), pid: Number(pid) };
  } catch {
    return undefined;
  }
}

/**
 * Addresses of predictions' streams. Replicate's client reads them without the API key, so each carries what shows that it was
 * handed out by this process, to the owner of the prediction.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Where streams are, without the API key: what follows is a prediction's id and its token. */
export const streamPath = '/replicate/v1/streams';

export interface StreamAddresses {
  /** The path of a prediction's stream. */
  pathOf(id: string): string;
  isOf(id: string, token: string): boolean;
}

export function createStreamAddresses(secret: Uint8Array = randomBytes(32)): StreamAddresses {
  const tokenOf = (id: string) => createHmac('sha256', secret).update(id).digest('base64url');
  return {
    pathOf: id => `${streamPath}/${id}/${tokenOf(id)}`,
    isOf: (id, token) => {
      const [own, given] = [Buffer.from(tokenOf(id)), Buffer.from(token)];
      return own.length === given.length && timingSafeEqual(own, given);
    },
  };
}

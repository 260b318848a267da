/** The native API's JSON, by the server's own types. */
export type * from '../../server/routes/native/wire.ts';

/** What a user loads. */
export * from './unidiffuser/index.ts';

/** `npm run bench -- NAME`: measurements that compare two things in one run and print their ratio. */
const benchmarks = {
  serve: () => import('./serve.ts'),
  train: () => import('./train.ts'),
  load: () => import('./load.ts'),
  soak: () => import('./soak.ts'),
  variety: () => import('./variety.ts'),
  familiarity: () => import('./familiarity.ts'),
  'large-pictures': () => import('./large-pictures.ts'),
  text: () => import('./write-text.ts'),
  prompts: () => import('./encode-prompts.ts'),
};

const name = process.argv[2] ?? '';
if (!Object.hasOwn(benchmarks, name)) {
  console.error(`Unknown benchmark "${name}". Available: ${Object.keys(benchmarks).join(', ')}`);
  process.exit(2);
}
const { run } = await benchmarks[name as keyof typeof benchmarks]();
await run();

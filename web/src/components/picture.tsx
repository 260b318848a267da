/** A picture of the server, enlarged without smoothing. Behind an API key it is fetched, as an <img> cannot send one. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, apiKey } from '../state.ts';

export function Picture({ url, alt, class: className }: { url: string; alt: string; class?: string }) {
  const needsKey = apiKey.value !== null && !url.startsWith('data:');
  const fetched = useSignal<string | null>(null);
  const isGone = useSignal(false);
  useEffect(() => {
    isGone.value = false;
    fetched.value = null;
    if (needsKey)
      api.file(url).then(
        async blob => (fetched.value = await dataUrl(blob)),
        () => (isGone.value = true),
      );
  }, [url, needsKey]);
  const source = needsKey ? fetched.value : url;
  if (isGone.value) {
    return (
      <span class={`picture-gone ${className ?? ''}`} role="img" aria-label={`${alt} (no longer kept)`}>
        no longer kept
      </span>
    );
  }
  return (
    <img
      class={`picture ${className ?? ''}`}
      src={source ?? undefined}
      alt={alt}
      draggable={false}
      decoding="async"
      onError={() => (isGone.value = true)}
    />
  );
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise(resolve => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.readAsDataURL(blob);
  });
}

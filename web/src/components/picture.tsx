/** A picture, enlarged without smoothing; or a word in its place, where the server no longer keeps it. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

export function Picture({ url, alt }: { url: string; alt: string }) {
  const isGone = useSignal(false);
  useEffect(() => {
    isGone.value = false;
  }, [url]);
  if (isGone.value) return <span class="picture-gone">no longer kept</span>;
  return (
    <img
      class="picture"
      src={url}
      alt={alt}
      draggable={false}
      decoding="async"
      onError={() => {
        isGone.value = true;
      }}
    />
  );
}

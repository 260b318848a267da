/** A picture over the one that it was made from: a slider moves the line between before and after. */
import { useSignal } from '@preact/signals';
import { Picture } from './picture.tsx';

interface ComparisonProps {
  readonly before: string;
  readonly after: string;
  readonly alt: string;
}

export function Comparison({ before, after, alt }: ComparisonProps) {
  const share = useSignal(50);
  return (
    <div class="comparison" style={{ '--share': `${share.value}%` }}>
      <div class="comparison-pictures">
        <Picture url={before} alt="Before" />
        <div class="comparison-after">
          <Picture url={after} alt={alt} />
        </div>
        <div class="comparison-line" aria-hidden="true" />
        <input
          type="range"
          min={0}
          max={100}
          value={share.value}
          aria-label="Before and after"
          aria-valuetext={`${share.value} % before, ${100 - share.value} % after`}
          onInput={event => (share.value = event.currentTarget.valueAsNumber)}
        />
      </div>
      <div class="comparison-names" aria-hidden="true">
        <span>Before</span>
        <span>After</span>
      </div>
    </div>
  );
}

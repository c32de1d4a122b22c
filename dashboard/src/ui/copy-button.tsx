import { useState } from 'react';

/** Copies a text; says so on the button for a moment, and says when the browser refuses. */
export function CopyButton({ text, label }: { text: () => string; label: string }) {
  const [done, setDone] = useState<string | null>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      setDone('Copied');
    } catch {
      setDone('Copying is not allowed here');
    }
    setTimeout(() => setDone(null), 2000);
  };
  return (
    <button type="button" className="quiet" onClick={() => void copy()} aria-live="polite">
      {done ?? label}
    </button>
  );
}

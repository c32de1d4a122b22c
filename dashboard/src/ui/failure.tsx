import { ApiError } from '../api/client';

/** What went wrong with a call, and a way to try it again. */
export function Failure({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const known = error instanceof ApiError ? error : null;
  return (
    <div className="notice warning" role="alert">
      <p>
        {error.message}
        {known?.code && (
          <>
            {' '}
            <code>{known.code}</code>
          </>
        )}
      </p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}

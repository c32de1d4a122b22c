import { type FormEvent, useId, useState } from 'react';
import { ApiError } from '../api/client';
import { Logo } from '../ui/logo';
import { NEW_LINK_HINT, type Session, type SessionStore } from './session';
import { looksLikeToken } from './token';

function failure(error: unknown): string {
  if (error instanceof ApiError && error.status === 401) {
    return `The server does not accept this token: ${error.message}`;
  }
  if (error instanceof ApiError && error.status === 403) {
    return `This token may not see anomalies: ${error.message}`;
  }
  return error instanceof Error ? error.message : 'Signing in failed';
}

function TokenForm({ store }: { store: SessionStore }) {
  const id = useId();
  const [value, setValue] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const token = value.replace(/\s+/g, '').replace(/^Bearer/i, '');
    if (!looksLikeToken(token)) {
      setError('This is not an access token: three parts joined by dots are expected.');
      return;
    }
    setBusy(true);
    setError(null);
    try {
      await store.signIn(token);
    } catch (caught) {
      setError(failure(caught));
      setBusy(false);
    }
  };

  return (
    <form onSubmit={submit} noValidate>
      <label htmlFor={id}>Access token</label>
      <textarea
        id={id}
        rows={4}
        value={value}
        onChange={(event) => setValue(event.target.value)}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        aria-invalid={error !== null}
        aria-describedby={error === null ? `${id}-hint` : `${id}-error`}
      />
      {error === null ? (
        <p id={`${id}-hint`} className="hint">
          Kept in this tab only, and forgotten when it is closed.
        </p>
      ) : (
        <p id={`${id}-error`} className="field-error" role="alert">
          {error}
        </p>
      )}
      <button type="submit" className="primary" disabled={busy || value.trim() === ''}>
        {busy ? 'Signing in…' : 'Sign in'}
      </button>
    </form>
  );
}

/** Shown whenever nobody is signed in, at whatever address; that address is kept. */
export function SignIn({ store, session }: { store: SessionStore; session: Session }) {
  if (session.state === 'exchanging') {
    return (
      <main className="sign-in">
        <div className="card" role="status">
          <Logo />
          <p>Signing in with your link…</p>
        </div>
      </main>
    );
  }
  const why = session.state === 'out' ? session.why : null;
  const retryCode = why?.retryCode;
  return (
    <main className="sign-in">
      <div className="card">
        <Logo />
        <h1>Sign in</h1>
        {why !== null && (
          <div className="notice warning" role="alert">
            <p>{why.message}</p>
            {retryCode !== undefined && (
              <button type="button" onClick={() => void store.exchange(retryCode)}>
                Try the link again
              </button>
            )}
          </div>
        )}
        <p>
          Open a fresh sign-in link, or paste an access token. Both come from the machine that
          Telltale runs on:
        </p>
        <pre className="command">
          <code>{NEW_LINK_HINT}</code>
        </pre>
        <TokenForm store={store} />
      </div>
    </main>
  );
}

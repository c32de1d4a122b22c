// Decides what is shown: the sign-in page until somebody is signed in, then the page of the route.
import { QueryCache, MutationCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { ApiError } from '../api/client';
import { DetailPage } from '../detail/detail-page';
import { formatUtc } from '../format/time';
import { ListPage } from '../list/list-page';
import { Link } from '../router/link';
import { BASE, parseRoute, usePathname } from '../router/router';
import type { Session, SessionStore } from '../session/session';
import { SignIn } from '../session/sign-in';
import { Logo } from '../ui/logo';
import { StatusStrip } from './status-strip';

type SignedIn = Session & { state: 'in' };

/** Any call that is answered 401 ends the session it was made in. */
export function createClient(store: SessionStore): QueryClient {
  const onError = (error: unknown) => {
    if (error instanceof ApiError && error.status === 401) {
      store.refused(error.token, error.message);
    }
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
    // What is shown is polled anyway: the next poll is the retry.
    defaultOptions: { queries: { retry: false, networkMode: 'always' } },
  });
}

function Account({ store, session }: { store: SessionStore; session: SignedIn }) {
  const { subject, role, expires_ms } = session.claims;
  const who = [subject, role].filter((part) => part !== null).join(' · ');
  return (
    <div className="account">
      {who !== '' && (
        <span title={expires_ms === null ? undefined : `Signed in until ${formatUtc(expires_ms)}`}>
          {who}
        </span>
      )}
      <button type="button" className="quiet" onClick={store.signOut}>
        Sign out
      </button>
    </div>
  );
}

function Page({ token }: { token: string }) {
  const route = parseRoute(usePathname());
  switch (route.page) {
    case 'list':
      return <ListPage token={token} />;
    case 'anomaly':
      return <DetailPage key={route.id} token={token} id={route.id} />;
    case 'unknown':
      return (
        <main className="empty">
          <h1>There is no such page</h1>
          <p>
            <Link to={BASE}>Show all anomalies</Link>
          </p>
        </main>
      );
  }
}

/** Mounted anew for each token: what one person was shown is gone before the next signs in. */
function SignedInApp({ store, session }: { store: SessionStore; session: SignedIn }) {
  const [client] = useState(() => createClient(store));
  return (
    <QueryClientProvider client={client}>
      <header className="top">
        <Link to={BASE} className="home" aria-label="Telltale: all anomalies">
          <Logo />
        </Link>
        <StatusStrip token={session.token} />
        <Account store={store} session={session} />
      </header>
      {session.notice !== null && (
        <div className="notice" role="status">
          <p>{session.notice}</p>
          <button type="button" className="quiet" onClick={store.dismissNotice}>
            Dismiss
          </button>
        </div>
      )}
      <Page token={session.token} />
    </QueryClientProvider>
  );
}

export function App({ store }: { store: SessionStore }) {
  const session = useSyncExternalStore(store.subscribe, store.get);
  useEffect(() => {
    if (session.state !== 'in') {
      document.title = 'Sign in · Telltale';
    }
  }, [session.state]);
  return session.state === 'in' ? (
    <SignedInApp key={session.token} store={store} session={session} />
  ) : (
    <SignIn store={store} session={session} />
  );
}

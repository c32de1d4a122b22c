// Who is signed in, as a store outside React: one-time codes work once, so an exchange must start
// once, however often a component is mounted.
//
// The token lives in sessionStorage: it survives a reload, not the tab, and no other tab sees it.
import { ApiError, exchangeCode, listAnomalies } from '../api/client';
import { type Claims, readClaims } from './token';

const STORAGE_KEY = 'telltale.token';
export const NEW_LINK_HINT = 'telltale token create --role analyst';

/** Why the sign-in page is shown. */
export interface Explanation {
  message: string;
  /** The same code may be tried again: it never reached the server. */
  retryCode?: string;
}

export type Session =
  | { state: 'out'; why: Explanation | null }
  | { state: 'exchanging' }
  | { state: 'in'; token: string; claims: Claims; notice: string | null };

export interface SessionStore {
  get: () => Session;
  subscribe: (listener: () => void) => () => void;
  /** Exchanges a one-time code for a token. */
  exchange: (code: string) => Promise<void>;
  /** Tries a token that was pasted; throws ApiError when the server refuses it. */
  signIn: (token: string) => Promise<void>;
  signOut: () => void;
  /** The server refused this token: back to sign-in, unless a newer one is in use. */
  refused: (token: string | null, message: string) => void;
  dismissNotice: () => void;
}

function explain(error: unknown, code: string): Explanation {
  if (error instanceof ApiError && error.status === 401) {
    return {
      message:
        'This sign-in link was used already or is too old. Links work once, for a few minutes.',
    };
  }
  const message = error instanceof Error ? error.message : 'Signing in failed';
  return error instanceof ApiError && error.status === 0
    ? { message, retryCode: code }
    : { message };
}

type TokenStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** This tab's storage; where the browser forbids it, memory: signed in until the next reload. */
export function tabStorage(): TokenStorage {
  try {
    const storage = window.sessionStorage;
    storage.setItem(`${STORAGE_KEY}.probe`, '');
    storage.removeItem(`${STORAGE_KEY}.probe`);
    return storage;
  } catch {
    const kept = new Map<string, string>();
    return {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
      removeItem: (key) => void kept.delete(key),
    };
  }
}

export function createSession(storage: TokenStorage): SessionStore {
  const listeners = new Set<() => void>();
  const enter = (token: string, notice: string | null = null): Session => {
    storage.setItem(STORAGE_KEY, token);
    return { state: 'in', token, claims: readClaims(token), notice };
  };
  const stored = storage.getItem(STORAGE_KEY);
  let session: Session = stored === null ? { state: 'out', why: null } : enter(stored);

  const set = (next: Session): void => {
    session = next;
    for (const listener of listeners) {
      listener();
    }
  };
  const leave = (why: Explanation | null): void => {
    storage.removeItem(STORAGE_KEY);
    set({ state: 'out', why });
  };

  return {
    get: () => session,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exchange: async (code) => {
      const before = session;
      set({ state: 'exchanging' });
      try {
        set(enter((await exchangeCode(code)).token));
      } catch (error) {
        const why = explain(error, code);
        // A stale link opened in a tab that is signed in must not end its session.
        if (before.state === 'in') {
          set(enter(before.token, `${why.message} You are still signed in.`));
        } else {
          leave(why);
        }
      }
    },
    signIn: async (token) => {
      await listAnomalies(token, new URLSearchParams(), undefined, 1);
      set(enter(token));
    },
    signOut: () => leave(null),
    refused: (token, message) => {
      if (session.state === 'in' && session.token === token) {
        leave({ message: `You were signed out: ${message}` });
      }
    },
    dismissNotice: () => {
      if (session.state === 'in') {
        set({ ...session, notice: null });
      }
    },
  };
}

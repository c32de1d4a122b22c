// What can be told from a JSON Web Token without its key. For display only: the server decides.

export interface Claims {
  subject: string | null;
  role: string | null;
  expires_ms: number | null;
}

const SHAPE = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

export function looksLikeToken(value: string): boolean {
  return SHAPE.test(value);
}

export function readClaims(token: string): Claims {
  const none: Claims = { subject: null, role: null, expires_ms: null };
  const payload = token.split('.')[1];
  if (payload === undefined) {
    return none;
  }
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
      c.charCodeAt(0),
    );
    const json = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    return {
      subject: typeof json.sub === 'string' ? json.sub : null,
      role: typeof json.role === 'string' ? json.role : null,
      expires_ms: typeof json.exp === 'number' ? json.exp * 1000 : null,
    };
  } catch {
    return none;
  }
}

/**
 * Takes the one-time code out of `#token=…` and out of the address bar, before anything else can
 * see it. Null when there is none; the rest of the address stays.
 */
export function takeCode(location: Location, history: History): string | null {
  const fragment = new URLSearchParams(location.hash.replace(/^#/, ''));
  const code = fragment.get('token');
  if (code === null) {
    return null;
  }
  history.replaceState(history.state, '', location.pathname + location.search);
  return code.trim() === '' ? null : code.trim();
}

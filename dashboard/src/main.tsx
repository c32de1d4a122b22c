import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createSession, tabStorage } from './session/session';
import { takeCode } from './session/token';
import { App } from './shell/app';
import { ErrorBoundary } from './ui/error-boundary';
import './styles/base.css';
import './styles/list.css';
import './styles/detail.css';

const store = createSession(tabStorage());

// First of all, before anything is drawn or asked for: the code leaves the address bar.
function exchangeFromAddress(): void {
  const code = takeCode(window.location, window.history);
  if (code !== null) {
    void store.exchange(code);
  }
}
exchangeFromAddress();
// A link pasted into a tab that shows the dashboard changes the fragment and loads nothing.
window.addEventListener('hashchange', exchangeFromAddress);

const root = document.getElementById('root');
if (root === null) {
  throw new Error('index.html has no #root');
}
createRoot(root).render(
  <StrictMode>
    <ErrorBoundary>
      <App store={store} />
    </ErrorBoundary>
  </StrictMode>,
);

import { Component, type ReactNode } from 'react';

/** A defect of a page ends in words and a way on, never in an empty window. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    if (this.state.error === null) {
      return this.props.children;
    }
    return (
      <main className="empty" role="alert">
        <h1>This page has a defect</h1>
        <p>Telltale itself is not affected. What went wrong here: {this.state.error.message}</p>
        <button type="button" onClick={() => location.reload()}>
          Load it again
        </button>
      </main>
    );
  }
}

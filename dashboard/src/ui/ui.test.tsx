import { render, screen } from '@testing-library/react';
import { Severity } from './badge';
import { ErrorBoundary } from './error-boundary';
import { Time } from './time';

it('says that a page has a defect instead of showing nothing', () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const Broken = () => {
    throw new Error('no such thing');
  };
  render(
    <ErrorBoundary>
      <Broken />
    </ErrorBoundary>,
  );
  expect(screen.getByRole('alert')).toHaveTextContent('no such thing');
});

it('shows a time it cannot read as it came', () => {
  render(<Time value="some day" />);
  expect(screen.getByText('some day')).toBeVisible();
});

it('shows the date of a time unless it is today', () => {
  const { container, rerender } = render(<Time value={Date.now()} />);
  expect(container.querySelector('.date')).toBeNull();
  rerender(<Time value={Date.now()} full />);
  expect(container.querySelector('.date')).not.toBeNull();
  rerender(<Time value={0} />);
  expect(container.querySelector('.date')).not.toBeNull();
});

it.each([
  ['low', 1],
  ['critical', 4],
  ['unheard-of', 0],
])('severity %s has %i bars and its name', (severity, bars) => {
  const { container } = render(<Severity value={severity} />);
  expect(container.querySelectorAll('.on')).toHaveLength(bars);
  expect(container).toHaveTextContent(new RegExp(severity, 'i'));
});

export function Logo() {
  return (
    <span className="logo">
      <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
        <rect width="32" height="32" rx="7" />
        <path d="M4 20h7l3-12 5 16 3-9h6" />
      </svg>
      <span>Telltale</span>
    </span>
  );
}

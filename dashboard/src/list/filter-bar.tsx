import { useEffect, useId, useRef, useState } from 'react';
import { SEVERITIES, STATUSES } from '../api/types';
import { capital, detectorName } from '../format/names';
import { type FilterName, type Filters, fromLocalInput, toLocalInput, withFilter } from './filters';

const TYPING_MS = 300;

interface FieldProps {
  label: string;
  name: FilterName;
  filters: Filters;
  onChange: (filters: Filters) => void;
}

function Choice({
  label,
  name,
  filters,
  onChange,
  options,
  show = capital,
}: FieldProps & { options: readonly string[]; show?: (option: string) => string }) {
  const id = useId();
  const value = filters[name] ?? '';
  // A value that came with the address stays visible even when it is none of ours.
  const all = value === '' || options.includes(value) ? options : [...options, value];
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        value={value}
        onChange={(event) => onChange(withFilter(filters, name, event.target.value))}
      >
        <option value="">Any</option>
        {all.map((option) => (
          <option key={option} value={option}>
            {show(option)}
          </option>
        ))}
      </select>
    </div>
  );
}

/** A text that is applied a moment after the last key, or at once with Enter. */
function Typed({
  label,
  name,
  filters,
  onChange,
  placeholder,
  numeric = false,
}: FieldProps & { placeholder: string; numeric?: boolean }) {
  const id = useId();
  const value = filters[name] ?? '';
  const [draft, setDraft] = useState<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const apply = (text: string) => {
    clearTimeout(timer.current);
    setDraft(null);
    onChange(withFilter(filters, name, text));
  };
  const invalid =
    numeric && draft !== null && draft !== '' && !(Number(draft) >= 0 && Number(draft) <= 1);
  const type = (text: string) => {
    setDraft(text);
    clearTimeout(timer.current);
    if (!numeric || text === '' || (Number(text) >= 0 && Number(text) <= 1)) {
      timer.current = setTimeout(() => apply(text), TYPING_MS);
    }
  };
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        name={name}
        inputMode={numeric ? 'decimal' : 'text'}
        autoComplete="off"
        spellCheck={false}
        placeholder={placeholder}
        value={draft ?? value}
        aria-invalid={invalid}
        title={invalid ? 'A number from 0 to 1' : undefined}
        onChange={(event) => type(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && draft !== null && !invalid) {
            apply(draft);
          }
          if (event.key === 'Escape') {
            event.currentTarget.blur();
          }
        }}
      />
    </div>
  );
}

function Moment({ label, name, filters, onChange }: FieldProps) {
  const id = useId();
  return (
    <div className="field wide">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="datetime-local"
        value={toLocalInput(filters[name])}
        onChange={(event) =>
          onChange(withFilter(filters, name, fromLocalInput(event.target.value)))
        }
      />
    </div>
  );
}

export function FilterBar({
  filters,
  detectors,
  onChange,
}: {
  filters: Filters;
  detectors: string[];
  onChange: (filters: Filters) => void;
}) {
  const active = Object.keys(filters).length;
  const [open, setOpen] = useState(false);
  const props = { filters, onChange };
  return (
    <div role="search" className={open ? 'filters open' : 'filters'}>
      <button
        type="button"
        className="filters-toggle"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        Filters{active > 0 ? ` (${active})` : ''}
      </button>
      <div className="fields">
        <Choice {...props} label="Severity" name="severity" options={SEVERITIES} />
        <Choice {...props} label="Status" name="status" options={STATUSES} />
        <Choice
          {...props}
          label="Detector"
          name="detector"
          options={detectors}
          show={detectorName}
        />
        <Typed {...props} label="Customer" name="user_id" placeholder="any id" />
        <Typed {...props} label="Merchant" name="merchant_id" placeholder="any id" />
        <Typed {...props} label="Score at least" name="min_score" placeholder="0 to 1" numeric />
        <Moment {...props} label="From" name="from" />
        <Moment {...props} label="Before" name="to" />
        <button
          type="button"
          className="quiet clear"
          disabled={active === 0}
          onClick={() => onChange({})}
        >
          Clear
        </button>
      </div>
    </div>
  );
}

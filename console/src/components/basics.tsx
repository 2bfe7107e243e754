import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { ConnectError } from '@connectrpc/connect';
import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import { BadRequestSchema } from '../../../gen/google/rpc/error_details_pb.js';
import { formatExactly, formatTime } from '../core/format.ts';
import { common } from '../core/texts.ts';

/* Small parts that pages are made of. Texts are children, never markup: what an attacker writes stays text. */

interface ButtonProps {
  readonly kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  readonly type?: 'button' | 'submit';
  readonly disabled?: boolean;
  readonly onClick?: () => void;
  /** What it does, where what is on it does not say so alone. */
  readonly label?: string;
  readonly children: ComponentChildren;
}

export function Button({ kind = 'plain', type = 'button', label, children, ...rest }: ButtonProps) {
  return (
    <button type={type} class={`button ${kind}`} aria-label={label} {...rest}>
      {children}
    </button>
  );
}

/** A word with a colour of its own. */
export function Badge({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** What a colour means. */
export type Tone = 'good' | 'bad' | 'wait' | 'info' | 'dull';

/** A label with its field, given by `children` from the field's id. */
export function Field({
  label,
  hint,
  problem,
  children,
}: {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly problem?: string | undefined;
  readonly children: (id: string, describedBy: string) => ComponentChildren;
}) {
  const id = useId();
  const about = `${id}-about`;
  return (
    <div class={problem === undefined ? 'field' : 'field wrong'}>
      <label for={id}>{label}</label>
      {children(id, about)}
      <span id={about} class="hint">
        {problem ?? hint ?? ''}
      </span>
    </div>
  );
}

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly hint?: string | undefined;
  readonly problem?: string | undefined;
  readonly placeholder?: string;
  readonly inputMode?: 'text' | 'numeric';
}

export function TextField({ label, value, onInput, hint, problem, ...rest }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} problem={problem}>
      {(id, about) => (
        <input
          type="text"
          id={id}
          aria-describedby={about}
          aria-invalid={problem !== undefined}
          autocomplete="off"
          spellcheck={false}
          value={value}
          onInput={({ currentTarget }) => onInput(currentTarget.value)}
          {...rest}
        />
      )}
    </Field>
  );
}

/** Options by value and text. */
export type Options = readonly (readonly [value: string, text: string])[];

interface SelectFieldProps {
  readonly label: string;
  readonly value: string;
  readonly options: Options;
  readonly onChange: (value: string) => void;
  readonly hint?: string | undefined;
  readonly problem?: string | undefined;
}

export function SelectField({ label, value, options, onChange, hint, problem }: SelectFieldProps) {
  return (
    <Field label={label} hint={hint} problem={problem}>
      {(id, about) => (
        <select
          id={id}
          aria-describedby={about}
          value={value}
          onChange={({ currentTarget }) => onChange(currentTarget.value)}
        >
          {options.map(([option, text]) => (
            <option key={option} value={option}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

export function CheckField({
  label,
  checked,
  onChange,
  hint,
}: {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly hint?: string;
}) {
  const id = useId();
  return (
    <div class="field check">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        aria-describedby={`${id}-about`}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      <span id={`${id}-about`} class="hint">
        {hint ?? ''}
      </span>
    </div>
  );
}

/** A time that can be compared when one points at it. */
export function Time({ at }: { readonly at: Timestamp | undefined }) {
  return at === undefined ? null : (
    <time dateTime={formatExactly(at)} title={formatExactly(at)}>
      {formatTime(at)}
    </time>
  );
}

/** What went wrong, with what is wrong of each field. */
export function ErrorBox({ error }: { readonly error: ConnectError | undefined }) {
  if (error === undefined) {
    return null;
  }
  const violations = error.findDetails(BadRequestSchema).flatMap(({ fieldViolations }) => fieldViolations);
  return (
    <div class="box bad" role="alert">
      <p>{error.message}</p>
      {violations.length > 0 && (
        <ul>
          {violations.map(({ field, description }) => (
            <li key={field + description}>
              <code>{field}</code> {description}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Something to say where nothing is to show. */
export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <div class="empty">{children}</div>;
}

/** Text as it is, with a button to copy it. */
export function Code({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <div class="code">
      <CopyButton text={text} />
      {/* It scrolls, so it has to be reached by the keyboard. */}
      <pre tabIndex={0} role="group" aria-label={label}>
        {text}
      </pre>
    </div>
  );
}

export function CopyButton({
  text,
  children,
}: {
  readonly text: string;
  readonly children?: ComponentChildren;
}) {
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    await copyText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1_500);
  };
  return (
    <Button kind="quiet" onClick={() => void copy()}>
      <span aria-live="polite">{isCopied ? common('copied') : (children ?? common('copy'))}</span>
    </Button>
  );
}

/** Browsers give the clipboard only to pages that came from this machine or over TLS. */
async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) {
    return await navigator.clipboard.writeText(text);
  }
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}

/** JSON with two blanks; what is no JSON stays as it is. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

/** Pairs of names and values. */
export function Facts({ facts }: { readonly facts: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) =>
        value === '' || value === undefined || value === null ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

/** The head of a page: what it is, and what one can do. */
export function PageHead({
  title,
  children,
}: {
  readonly title: ComponentChildren;
  readonly children?: ComponentChildren;
}) {
  return (
    <header class="page-head">
      <h1>{title}</h1>
      <div class="actions">{children}</div>
    </header>
  );
}

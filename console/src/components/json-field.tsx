import { Field } from './basics.tsx';

/** A message as JSON, in several lines. */
export function JsonField({
  label,
  value,
  onInput,
  hint,
}: {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly hint?: string;
}) {
  return (
    <Field label={label} hint={hint}>
      {(id, about) => (
        <textarea
          id={id}
          class="mono"
          aria-describedby={about}
          rows={8}
          spellcheck={false}
          value={value}
          onInput={({ currentTarget }) => onInput(currentTarget.value)}
        />
      )}
    </Field>
  );
}

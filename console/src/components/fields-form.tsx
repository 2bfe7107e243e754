import type { ConnectError } from '@connectrpc/connect';
import { useId } from 'preact/hooks';
import { BadRequestSchema } from '../../../gen/google/rpc/error_details_pb.js';
import type { FieldSpec, FieldValues } from '../core/fields.ts';
import { defineTexts, language, type Text } from '../core/language.ts';
import type { OptionGroup } from '../core/option-fields.ts';
import { CheckField, Field, SelectField, TextField } from './basics.tsx';

const texts = defineTexts({
  api: ['The answer of the call', '호출의 응답'],
  delivery: ['How it is told', '알리는 방법'],
  notGiven: ['(not given)', '(지정 안 함)'],
  payment: ['What becomes of the payment', '결제의 결과'],
  refund: ['Refunds', '환불'],
});

interface FormProps {
  readonly values: FieldValues;
  readonly onChange: (path: string, value: string) => void;
  /** What the service has refused. */
  readonly error: ConnectError | undefined;
}

/** The fields of a message, with what is wrong of each. */
export function FieldsForm({ fields, ...form }: FormProps & { readonly fields: readonly FieldSpec[] }) {
  return (
    <div class="form">
      {fields.map((field) => (
        <OneField key={field.path} field={field} {...form} />
      ))}
    </div>
  );
}

/** The options of a simulation, each part folded in which nothing is given. */
export function OptionsForm({ groups, ...form }: FormProps & { readonly groups: readonly OptionGroup[] }) {
  return (
    <>
      {groups.map(({ name, fields }, index) => (
        <details
          key={name}
          class="card"
          open={index === 0 || fields.some(({ path }) => (form.values[path] ?? '') !== '')}
        >
          <summary>{texts(name)}</summary>
          <FieldsForm fields={fields} {...form} />
        </details>
      ))}
    </>
  );
}

function OneField({ field, values, onChange, error }: FormProps & { readonly field: FieldSpec }) {
  const { path, kind, label, hint, choices = [], suggestions } = field;
  const value = values[path] ?? '';
  const shared = {
    label: textOf(label),
    ...(hint !== undefined && { hint: textOf(hint) }),
    problem: problemOf(path, error),
  };
  const set = (changed: string) => onChange(path, changed);
  switch (kind) {
    case 'check':
      return (
        <CheckField
          {...shared}
          checked={value === 'true'}
          onChange={(checked) => set(checked ? 'true' : '')}
        />
      );
    case 'choice':
      return (
        <SelectField
          {...shared}
          value={value}
          options={[['', texts('notGiven')], ...choices]}
          onChange={set}
        />
      );
    case 'number':
      return <TextField {...shared} value={value} onInput={set} inputMode="numeric" />;
    case 'text':
      return suggestions === undefined ? (
        <TextField {...shared} value={value} onInput={set} />
      ) : (
        <SuggestingField {...shared} value={value} onInput={set} suggestions={suggestions} />
      );
  }
}

/** A text that others have chosen before. */
function SuggestingField({
  label,
  hint,
  problem,
  value,
  onInput,
  suggestions,
}: {
  readonly label: string;
  readonly hint?: string;
  readonly problem: string | undefined;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly suggestions: readonly string[];
}) {
  const list = useId();
  return (
    <Field label={label} hint={hint} problem={problem}>
      {(id, about) => (
        <>
          <input
            type="text"
            id={id}
            aria-describedby={about}
            aria-invalid={problem !== undefined}
            autocomplete="off"
            list={list}
            value={value}
            onInput={({ currentTarget }) => onInput(currentTarget.value)}
          />
          <datalist id={list}>
            {suggestions.map((suggestion) => (
              <option key={suggestion} value={suggestion} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}

function textOf([english, korean]: Text): string {
  return language.value === 'ko' ? korean : english;
}

/** What is wrong with a field, by what the service has said. */
function problemOf(path: string, error: ConnectError | undefined): string | undefined {
  const violations =
    error?.findDetails(BadRequestSchema).flatMap(({ fieldViolations }) => fieldViolations) ?? [];
  return violations.find(({ field }) => field === path)?.description;
}

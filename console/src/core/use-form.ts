import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { ConnectError } from '@connectrpc/connect';
import { useState } from 'preact/hooks';
import type { FieldValues } from './fields.ts';
import { checkNumbers, type Form, objectOf, partOf, valuesOf } from './form-json.ts';
import { type Action, useAction } from './loading.ts';
import { readMessage } from './read-message.ts';

/** A message on its way: in fields or as JSON, whichever the writer likes; what is in one is in the other. */
export interface FormState {
  readonly values: FieldValues;
  /** What is written as JSON; undefined: it is in the fields. */
  readonly json: string | undefined;
  readonly error: ConnectError | undefined;
  readonly isBusy: boolean;
  /** As far as it can be read. */
  readonly message: JsonObject | undefined;
  readonly onChange: (path: string, value: string) => void;
  readonly onJson: (text: string) => void;
  /** Puts other values in. */
  readonly fill: (change: (before: FieldValues) => FieldValues) => void;
  /** Goes from one to the other; stays, and says why, where the JSON is not such a message. */
  readonly showJson: (isJson: boolean) => void;
  /** Makes the message and sends it. */
  readonly send: <T>(read: (json: JsonValue) => T, work: (message: T) => Promise<unknown>) => void;
}

/** See `FormState`. */
export function useForm(form: Form, first: () => FieldValues): FormState {
  const [values, setValues] = useState<FieldValues>(first);
  const [json, setJson] = useState<string | undefined>(undefined);
  const action = useAction();
  const textOf = (of: FieldValues) => JSON.stringify(partOf(form, of), undefined, 2);
  return {
    values,
    json,
    error: action.error,
    isBusy: action.isBusy,
    message: json === undefined ? partOf(form, values) : objectOf(json),
    onChange: (path, value) => setValues((before) => ({ ...before, [path]: value })),
    onJson: setJson,
    fill: (change) =>
      act(action, () => {
        const filled = change(json === undefined ? values : valuesOf(form, json));
        setValues(filled);
        setJson(json === undefined ? undefined : textOf(filled));
      }),
    showJson: (isJson) =>
      act(action, () => {
        if (!isJson && json !== undefined) {
          setValues(valuesOf(form, json));
        }
        setJson(isJson ? textOf(values) : undefined);
      }),
    send: (read, work) =>
      action.run(async () => {
        if (json === undefined) {
          checkNumbers(form.specs, values);
        }
        await work(readMessage(json ?? partOf(form, values), read));
      }),
  };
}

/** What goes wrong is told as of a call. */
function act(action: Action, work: () => void): void {
  action.run(async () => await Promise.resolve().then(work));
}

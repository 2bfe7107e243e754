import { fromJson, type JsonObject, toJson } from '@bufbuild/protobuf';
import { useState } from 'preact/hooks';
import { type Session, SessionSchema } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, ErrorBox, TextField } from '../../components/basics.tsx';
import { FieldsForm, OptionsForm } from '../../components/fields-form.tsx';
import { inSession, simulator } from '../../core/api.ts';
import { type FieldValues, toMessageJson, toValues } from '../../core/fields.ts';
import { defineTexts } from '../../core/language.ts';
import { useAction } from '../../core/loading.ts';
import { optionGroups } from '../../core/option-fields.ts';
import { readMessage } from '../../core/read-message.ts';
import { common } from '../../core/texts.ts';
import { claimFields, ownFields, sessionFields } from './session-fields.ts';

const texts = defineTexts({
  claims: ['Payments that belong to it without its key', '키 없이도 이 세션에 속하는 결제'],
  name: ['Its name is its key', '이름이 곧 키입니다'],
  own: ['Settings', '설정'],
});

/** Sets what a session is like: all of it. @param props.session undefined: a new one. */
export function EditSession({
  session,
  onDone,
}: {
  readonly session: Session | undefined;
  readonly onDone: () => void;
}) {
  const [id, setId] = useState(session?.sessionId ?? '');
  const [values, setValues] = useState<FieldValues>(() => valuesOf(session));
  const action = useAction();
  const form = {
    values,
    error: action.error,
    onChange: (path: string, value: string) => setValues((before) => ({ ...before, [path]: value })),
  };
  const save = () =>
    action.run(async () => {
      const { session: json = {} } = toMessageJson(sessionFields, values);
      const wanted = readMessage(json, (read) => fromJson(SessionSchema, read));
      await simulator.updateSession({ session: wanted }, inSession(id));
      onDone();
    });
  return (
    <form
      class="card spaced"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      {session === undefined && (
        <div class="form">
          <TextField label={common('session')} value={id} onInput={setId} hint={texts('name')} />
        </div>
      )}
      <fieldset>
        <legend>{texts('own')}</legend>
        <FieldsForm fields={ownFields} {...form} />
      </fieldset>
      <fieldset>
        <legend>{texts('claims')}</legend>
        <FieldsForm fields={claimFields} {...form} />
      </fieldset>
      <OptionsForm groups={optionGroups('session.default')} {...form} />
      <ErrorBox error={action.error} />
      <div class="actions">
        <Button kind="primary" type="submit" disabled={action.isBusy}>
          {common('save')}
        </Button>
      </div>
    </form>
  );
}

function valuesOf(session: Session | undefined): FieldValues {
  if (session === undefined) {
    return {};
  }
  const json = toJson(SessionSchema, session, { useProtoFieldName: true });
  const message: JsonObject = { session: json };
  return toValues(sessionFields, message);
}

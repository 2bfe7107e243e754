import { fromJson } from '@bufbuild/protobuf';
import { useState } from 'preact/hooks';
import { type Session, SessionSchema } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, CheckField, ErrorBox, TextField } from '../../components/basics.tsx';
import { FieldsForm, OptionsForm } from '../../components/fields-form.tsx';
import { JsonField } from '../../components/json-field.tsx';
import { inSession, ownSession, simulator } from '../../core/api.ts';
import { defineTexts } from '../../core/language.ts';
import { optionGroups } from '../../core/option-fields.ts';
import { common } from '../../core/texts.ts';
import { type FormState, useForm } from '../../core/use-form.ts';
import { claimFields, ownFields, hasSettings, sessionForm, valuesOfSession } from './session-fields.ts';

const texts = defineTexts({
  asJson: ['As JSON', 'JSON으로'],
  claims: ['Payments that belong to it without its key', '키 없이도 이 세션에 속하는 결제'],
  json: ['Settings, as JSON', '설정(JSON)'],
  name: ['Its name is its key', '이름이 곧 키입니다'],
  noName: ['A session has a name.', '세션 이름을 적어 주십시오.'],
  own: ['Settings', '설정'],
  taken: [
    'There are settings of this name already: change them by its own button Settings….',
    '이 이름에 이미 설정이 있습니다. 그 세션의 설정… 버튼으로 바꾸십시오.',
  ],
  title: ['New session', '새 세션'],
});

/** Sets what a session is like: all of it. */
export function EditSession({
  session,
  onDone,
}: {
  /** Undefined: a new one. */
  readonly session: Session | undefined;
  readonly onDone: () => void;
}) {
  const [id, setId] = useState(session?.sessionId ?? ownSession());
  const [problem, setProblem] = useState<string | undefined>(undefined);
  const form = useForm(sessionForm, () => valuesOfSession(session));
  const save = () => {
    setProblem(undefined);
    if (session === undefined && id === '') {
      setProblem(texts('noName'));
      return;
    }
    form.send(
      (written) => fromJson(SessionSchema, written),
      async (wanted) => {
        if (session === undefined && (await isSet(id))) {
          setProblem(texts('taken'));
          return;
        }
        await simulator.updateSession({ session: wanted }, inSession(id));
        onDone();
      },
    );
  };
  return (
    <form
      class="card spaced"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      {session === undefined && <h2>{texts('title')}</h2>}
      <div class="form">
        {session === undefined && (
          <TextField
            label={common('session')}
            value={id}
            onInput={setId}
            hint={texts('name')}
            problem={problem}
          />
        )}
        <CheckField label={texts('asJson')} checked={form.json !== undefined} onChange={form.showJson} />
      </div>
      <Settings form={form} />
      <ErrorBox error={form.error} />
      <div class="actions spaced">
        <Button kind="primary" type="submit" disabled={form.isBusy}>
          {common('save')}
        </Button>
      </div>
    </form>
  );
}

async function isSet(id: string): Promise<boolean> {
  const { session } = await simulator.getSession({}, inSession(id));
  return hasSettings(session);
}

function Settings({ form: { json, onJson, ...form } }: { readonly form: FormState }) {
  return json === undefined ? (
    <Fields values={form.values} error={form.error} onChange={form.onChange} />
  ) : (
    <JsonField label={texts('json')} value={json} onInput={onJson} />
  );
}

function Fields(form: Pick<FormState, 'values' | 'error' | 'onChange'>) {
  return (
    <>
      <fieldset>
        <legend>{texts('own')}</legend>
        <FieldsForm fields={ownFields} {...form} />
      </fieldset>
      <fieldset>
        <legend>{texts('claims')}</legend>
        <FieldsForm fields={claimFields} {...form} />
      </fieldset>
      <OptionsForm groups={optionGroups('session.default')} {...form} />
    </>
  );
}

import { fromJson } from '@bufbuild/protobuf';
import { useState } from 'preact/hooks';
import {
  ExplainCallRequestSchema,
  type ExplainCallResponse,
} from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, ErrorBox, TextField } from '../../components/basics.tsx';
import { FieldsForm } from '../../components/fields-form.tsx';
import { inSession, ownSession, simulator } from '../../core/api.ts';
import { toMessageJson } from '../../core/fields.ts';
import { checkNumbers } from '../../core/form-json.ts';
import { defineTexts } from '../../core/language.ts';
import { useAction } from '../../core/loading.ts';
import { readMessage } from '../../core/read-message.ts';
import { common } from '../../core/texts.ts';
import { callFields } from './call-fields.ts';
import { Explained } from './explained.tsx';

const texts = defineTexts({
  sessionHint: [
    'The key that the call has; empty: none, so that claims decide.',
    '호출에 붙일 키입니다. 비워 두면 claims로 정해집니다.',
  ],
  title: ['Which rule would a call meet, and why?', '이 호출에는 어떤 규칙이, 왜 적용될까요?'],
  tryIt: ['Try', '확인하기'],
});

/** Says what would become of a call that nobody makes. */
export function TryCall() {
  const [values, setValues] = useState<Readonly<Record<string, string>>>({ user_id: 'user-1' });
  const [session, setSession] = useState(ownSession);
  const [answer, setAnswer] = useState<ExplainCallResponse | undefined>(undefined);
  const action = useAction();
  const explain = () =>
    action.run(async () => {
      setAnswer(undefined);
      checkNumbers(callFields, values);
      const json = toMessageJson(callFields, values);
      const call = readMessage(json, (read) => fromJson(ExplainCallRequestSchema, read));
      setAnswer(await simulator.explainCall(call, inSession(session)));
    });
  return (
    <form
      class="card spaced"
      onSubmit={(event) => {
        event.preventDefault();
        explain();
      }}
    >
      <h2>{texts('title')}</h2>
      <FieldsForm
        fields={callFields}
        values={values}
        error={action.error}
        onChange={(path, value) => {
          setValues((before) => ({ ...before, [path]: value }));
          setAnswer(undefined);
        }}
      />
      <div class="form">
        <TextField
          label={common('session')}
          value={session}
          hint={texts('sessionHint')}
          onInput={(value) => {
            setSession(value);
            setAnswer(undefined);
          }}
        />
      </div>
      <div class="actions">
        <Button type="submit" disabled={action.isBusy}>
          {texts('tryIt')}
        </Button>
      </div>
      <ErrorBox error={action.error} />
      <div aria-live="polite">{answer !== undefined && <Explained answer={answer} />}</div>
    </form>
  );
}

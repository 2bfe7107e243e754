import { fromJson } from '@bufbuild/protobuf';
import { useState } from 'preact/hooks';
import {
  ExplainCallRequestSchema,
  type ExplainCallResponse,
} from '../../../../gen/simulator/v1/simulator_pb.js';
import { Badge, Button, ErrorBox, TextField } from '../../components/basics.tsx';
import { FieldsForm } from '../../components/fields-form.tsx';
import { inSession, ownSession, simulator } from '../../core/api.ts';
import { toMessageJson } from '../../core/fields.ts';
import { describeOptions } from '../../core/in-words.ts';
import { defineTexts } from '../../core/language.ts';
import { useAction } from '../../core/loading.ts';
import { readMessage } from '../../core/read-message.ts';
import { common } from '../../core/texts.ts';
import { callFields } from './call-fields.ts';

const texts = defineTexts({
  applies: ['applies', '적용됨'],
  not: ['does not', '적용 안 됨'],
  nothing: ['as the scenario says', '시나리오대로'],
  noRules: ['No rule is asked.', '확인할 규칙이 없습니다.'],
  result: ['What would happen', '일어날 일'],
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
        onChange={(path, value) => setValues((before) => ({ ...before, [path]: value }))}
      />
      <div class="form">
        <TextField label={common('session')} value={session} onInput={setSession} />
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

function Explained({ answer }: { readonly answer: ExplainCallResponse }) {
  return (
    <>
      <p>
        {common('session')}: {answer.sessionId === '' ? common('globalSession') : answer.sessionId}
      </p>
      {answer.verdicts.length === 0 && <p class="soft">{texts('noRules')}</p>}
      <ol>
        {answer.verdicts.map(({ rule, applies, reason }) => (
          <li key={rule?.ruleId}>
            <code>{rule?.ruleId}</code>{' '}
            <Badge tone={applies ? 'good' : 'dull'}>{applies ? texts('applies') : texts('not')}</Badge>{' '}
            {reason}
          </li>
        ))}
      </ol>
      <p>
        {texts('result')}: <strong>{describeOptions(answer.simulation) || texts('nothing')}</strong>
      </p>
    </>
  );
}

import { fromJson, type JsonObject } from '@bufbuild/protobuf';
import { useState } from 'preact/hooks';
import { RuleSchema } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, CheckField, Code, ErrorBox, TextField } from '../../components/basics.tsx';
import { FieldsForm, OptionsForm } from '../../components/fields-form.tsx';
import { JsonField } from '../../components/json-field.tsx';
import { inSession, ownSession, simulator } from '../../core/api.ts';
import { asCurl } from '../../core/copy-as.ts';
import type { FieldValues } from '../../core/fields.ts';
import { defineTexts, language } from '../../core/language.ts';
import { optionGroups } from '../../core/option-fields.ts';
import { common } from '../../core/texts.ts';
import { useForm } from '../../core/use-form.ts';
import {
  asRulesFile,
  beginWith,
  countFields,
  matchFields,
  nameFields,
  ruleForm,
  templates,
} from './rule-fields.ts';

const texts = defineTexts({
  asJson: ['As JSON', 'JSON으로'],
  counts: ['How often', '횟수'],
  curl: ['The same in your terminal', '터미널에서 같은 호출'],
  file: ['The same for RULES_FILE', 'RULES_FILE에 쓸 때'],
  json: ['Rule, as JSON', '규칙(JSON)'],
  make: ['Make the rule', '규칙 만들기'],
  of: ['Which calls', '대상 호출'],
  rule: ['Rule', '규칙'],
  sessionHint: ['Empty: the global session.', '비워 두면 전역 세션입니다.'],
  start: ['Begin with', '예시로 시작하기'],
  title: ['New rule', '새 규칙'],
});

/** The form of a new rule, which comes before the older ones of its session. */
export function MakeRule({ onMade }: { readonly onMade: () => void }) {
  const [session, setSession] = useState(ownSession);
  const form = useForm(ruleForm, () => ({}));
  const { json, message } = form;
  const make = () =>
    form.send(
      (written) => fromJson(RuleSchema, written),
      async (rule) => {
        await simulator.createRule({ rule }, inSession(session));
        onMade();
      },
    );
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        make();
      }}
    >
      <h2>{texts('title')}</h2>
      <Templates onChoose={(values) => form.fill((before) => beginWith(values, before))} />
      <div class="form">
        <TextField
          label={common('session')}
          value={session}
          onInput={setSession}
          hint={texts('sessionHint')}
        />
        <CheckField label={texts('asJson')} checked={json !== undefined} onChange={form.showJson} />
      </div>
      {json === undefined ? (
        <Fields {...form} />
      ) : (
        <JsonField label={texts('json')} value={json} onInput={form.onJson} />
      )}
      <ErrorBox error={form.error} />
      <div class="actions spaced">
        <Button kind="primary" type="submit" disabled={form.isBusy}>
          {texts('make')}
        </Button>
      </div>
      {message !== undefined && <OtherForms rule={message} session={session} />}
    </form>
  );
}

function Templates({ onChoose }: { readonly onChoose: (values: FieldValues) => void }) {
  return (
    <p class="row">
      <span class="soft">{texts('start')}</span>
      {templates.map(({ label: [english, korean], values }) => (
        <Button key={english} onClick={() => onChoose(values)}>
          {language.value === 'ko' ? korean : english}
        </Button>
      ))}
    </p>
  );
}

function Fields({ values, error, onChange }: Omit<Parameters<typeof FieldsForm>[0], 'fields'>) {
  const form = { values, error, onChange };
  return (
    <>
      <fieldset>
        <legend>{texts('rule')}</legend>
        <FieldsForm fields={nameFields} {...form} />
      </fieldset>
      <fieldset>
        <legend>{texts('of')}</legend>
        <FieldsForm fields={matchFields('rule.match')} {...form} />
      </fieldset>
      <OptionsForm groups={optionGroups('rule.simulation')} {...form} />
      <fieldset>
        <legend>{texts('counts')}</legend>
        <FieldsForm fields={countFields} {...form} />
      </fieldset>
    </>
  );
}

function OtherForms({ rule, session }: { readonly rule: JsonObject; readonly session: string }) {
  const json = JSON.stringify({ rule });
  const call = { service: 'simulator.v1.SimulatorService', method: 'CreateRule', json, session };
  return (
    <div class="spaced">
      <h3>{texts('curl')}</h3>
      <Code label={texts('curl')} text={asCurl(location.origin, call)} />
      <h3>{texts('file')}</h3>
      <Code label={texts('file')} text={asRulesFile(rule)} />
    </div>
  );
}

import { fromJson, type JsonObject } from '@bufbuild/protobuf';
import { useState } from 'preact/hooks';
import { RuleSchema } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, CheckField, Code, ErrorBox, TextField } from '../../components/basics.tsx';
import { FieldsForm, OptionsForm } from '../../components/fields-form.tsx';
import { inSession, ownSession, simulator } from '../../core/api.ts';
import { asCurl } from '../../core/copy-as.ts';
import type { FieldValues } from '../../core/fields.ts';
import { defineTexts, language } from '../../core/language.ts';
import { readMessage } from '../../core/read-message.ts';
import { useAction } from '../../core/loading.ts';
import { optionGroups } from '../../core/option-fields.ts';
import { common } from '../../core/texts.ts';
import { JsonField } from '../../components/json-field.tsx';
import { asRulesFile, countFields, matchFields, nameFields, ruleOf, templates } from './rule-fields.ts';

const texts = defineTexts({
  asJson: ['As JSON', 'JSON으로'],
  counts: ['How often', '횟수'],
  curl: ['The same in your terminal', '터미널에서 같은 호출'],
  file: ['The same for RULES_FILE', 'RULES_FILE에 쓸 때'],
  json: ['Rule, as JSON', '규칙(JSON)'],
  make: ['Make the rule', '규칙 만들기'],
  of: ['Which calls', '대상 호출'],
  rule: ['Rule', '규칙'],
  start: ['Begin with', '예시로 시작하기'],
  title: ['New rule', '새 규칙'],
});

/** The form of a new rule, which comes before the older ones of its session. */
export function MakeRule({ onMade }: { readonly onMade: () => void }) {
  const [values, setValues] = useState<FieldValues>({});
  const [session, setSession] = useState(ownSession);
  const [json, setJson] = useState<string | undefined>(undefined);
  const action = useAction();
  const form = {
    values,
    error: action.error,
    onChange: (path: string, value: string) => setValues((before) => ({ ...before, [path]: value })),
  };
  const make = () =>
    action.run(async () => {
      const rule = readMessage(json ?? ruleOf(values), (read) => fromJson(RuleSchema, read));
      await simulator.createRule({ rule }, inSession(session));
      onMade();
    });
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        make();
      }}
    >
      <h2>{texts('title')}</h2>
      <Templates onChoose={setValues} />
      <div class="form">
        <TextField label={common('session')} value={session} onInput={setSession} />
        <CheckField
          label={texts('asJson')}
          checked={json !== undefined}
          onChange={(isJson) => setJson(isJson ? JSON.stringify(ruleOf(values), undefined, 2) : undefined)}
        />
      </div>
      {json === undefined ? (
        <Fields {...form} />
      ) : (
        <JsonField label={texts('json')} value={json} onInput={setJson} />
      )}
      <ErrorBox error={action.error} />
      <div class="actions">
        <Button kind="primary" type="submit" disabled={action.isBusy}>
          {texts('make')}
        </Button>
      </div>
      {json === undefined && <OtherForms rule={ruleOf(values)} session={session} />}
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

function Fields(form: Omit<Parameters<typeof FieldsForm>[0], 'fields'>) {
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
    <>
      <h3>{texts('curl')}</h3>
      <Code label={texts('curl')} text={asCurl(location.origin, call)} />
      <h3>{texts('file')}</h3>
      <Code label={texts('file')} text={asRulesFile(rule)} />
    </>
  );
}

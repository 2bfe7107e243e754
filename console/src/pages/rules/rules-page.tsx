import { useState } from 'preact/hooks';
import { EntryKind } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, Empty, ErrorBox, PageHead } from '../../components/basics.tsx';
import { inScope, simulator } from '../../core/api.ts';
import { useKeys } from '../../core/keys.ts';
import { defineTexts } from '../../core/language.ts';
import { useLiveReload } from '../../core/live-reload.ts';
import { useLoaded } from '../../core/loading.ts';
import { route } from '../../core/router.ts';
import { common } from '../../core/texts.ts';
import { MakeRule } from './make-rule.tsx';
import { RulesTable } from './rules-table.tsx';
import { TryCall } from './try-call.tsx';

const texts = defineTexts({
  make: ['New rule', '새 규칙'],
  none: ['No rules. Payments go as the scenario says.', '규칙이 없습니다. 결제는 시나리오대로 진행됩니다.'],
  order: [
    'The first that fits decides; of each field the first that says anything of it.',
    '먼저 맞는 규칙이 결정합니다. 필드마다 그 필드를 정한 첫 규칙을 따릅니다.',
  ],
  title: ['Rules', '규칙'],
});

/** What testers have chosen, in the order in which it is asked. */
export function RulesPage() {
  const { value, error, reload } = useLoaded(() => simulator.listRules({}, inScope()), []);
  const [isMaking, setMaking] = useState(false);
  useLiveReload('rules', { kinds: [EntryKind.CALL] }, reload);
  useKeys({ r: reload });
  const wanted = route.value.query.get('rule') ?? '';
  return (
    <>
      <PageHead title={texts('title')}>
        <Button onClick={reload}>{common('refresh')}</Button>
        <Button kind="primary" onClick={() => setMaking(!isMaking)}>
          {texts('make')}
        </Button>
      </PageHead>
      <ErrorBox error={error} />
      {isMaking && (
        <MakeRule
          onMade={() => {
            setMaking(false);
            reload();
          }}
        />
      )}
      {value === undefined ? (
        <p class="soft">{error === undefined && common('loading')}</p>
      ) : value.rules.length === 0 ? (
        <Empty>{texts('none')}</Empty>
      ) : (
        <>
          <p class="soft">{texts('order')}</p>
          <RulesTable rules={value.rules} wanted={wanted} onChanged={reload} />
        </>
      )}
      <TryCall />
    </>
  );
}

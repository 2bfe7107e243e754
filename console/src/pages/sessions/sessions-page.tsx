import { useState } from 'preact/hooks';
import { EntryKind } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button, ErrorBox, PageHead } from '../../components/basics.tsx';
import { looking, simulator } from '../../core/api.ts';
import { useKeys } from '../../core/keys.ts';
import { defineTexts } from '../../core/language.ts';
import { useLiveReload } from '../../core/live-reload.ts';
import { useLoaded } from '../../core/loading.ts';
import { scope } from '../../core/router.ts';
import { common } from '../../core/texts.ts';
import { EditSession } from './edit-session.tsx';
import { ResetDialog } from './reset-dialog.tsx';
import { SessionCard } from './session-card.tsx';

const texts = defineTexts({
  make: ['New session', '새 세션'],
  resetAll: ['Reset all…', '모두 초기화…'],
  title: ['Sessions', '세션'],
});

/** Every session, with its clock. */
export function SessionsPage() {
  const { value, error, reload } = useLoaded(() => simulator.listSessions({}, looking()), []);
  const [isMaking, setMaking] = useState(false);
  const [isResetting, setResetting] = useState(false);
  useLiveReload('sessions', { kinds: [EntryKind.CALL, EntryKind.TRANSITION] }, reload);
  useKeys({ r: reload });
  const shown = (value?.sessions ?? []).filter(
    ({ session }) => scope.value === '*' || session?.sessionId === scope.value,
  );
  return (
    <>
      <PageHead title={texts('title')}>
        <Button onClick={reload}>{common('refresh')}</Button>
        <Button kind="danger" onClick={() => setResetting(true)}>
          {texts('resetAll')}
        </Button>
        <Button kind="primary" onClick={() => setMaking(!isMaking)}>
          {texts('make')}
        </Button>
      </PageHead>
      <ErrorBox error={error} />
      {isMaking && (
        <EditSession
          session={undefined}
          onDone={() => {
            setMaking(false);
            reload();
          }}
        />
      )}
      {shown.map((listed) => (
        <SessionCard key={listed.session?.sessionId} listed={listed} onChanged={reload} />
      ))}
      {isResetting && <ResetDialog sessionId="*" onDone={reload} onClose={() => setResetting(false)} />}
    </>
  );
}

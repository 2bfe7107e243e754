import { useState } from 'preact/hooks';
import type { ListedSession } from '../../../../gen/simulator/v1/simulator_pb.js';
import { Button } from '../../components/basics.tsx';
import { defineTexts } from '../../core/language.ts';
import { hrefTo, scope } from '../../core/router.ts';
import { common } from '../../core/texts.ts';
import { Clock } from './clock.tsx';
import { EditSession } from './edit-session.tsx';
import { ResetDialog } from './reset-dialog.tsx';
import { SessionFacts } from './session-facts.tsx';

const texts = defineTexts({
  edit: ['Settings…', '설정…'],
  only: ['Only this one', '이 세션만'],
  reset: ['Reset…', '초기화…'],
  show: ['Show its payments', '결제 보기'],
});

/** A session: what is in it, how it is set, and its clock. */
export function SessionCard({
  listed,
  onChanged,
}: {
  readonly listed: ListedSession;
  readonly onChanged: () => void;
}) {
  const [isEditing, setEditing] = useState(false);
  const [isResetting, setResetting] = useState(false);
  const { session } = listed;
  const id = session?.sessionId ?? '';
  return (
    <section class="card">
      <Head id={id} onEdit={() => setEditing(!isEditing)} onReset={() => setResetting(true)} />
      <SessionFacts listed={listed} />
      {session !== undefined && <Clock listed={listed} onChanged={onChanged} />}
      {isEditing && (
        <EditSession
          session={session}
          onDone={() => {
            setEditing(false);
            onChanged();
          }}
        />
      )}
      {isResetting && (
        <ResetDialog
          sessionId={id}
          counters={listed.counters}
          onDone={onChanged}
          onClose={() => setResetting(false)}
        />
      )}
    </section>
  );
}

function Head({
  id,
  onEdit,
  onReset,
}: {
  readonly id: string;
  readonly onEdit: () => void;
  readonly onReset: () => void;
}) {
  const name = id === '' ? common('globalSession') : id;
  const isOne = scope.value !== '*';
  return (
    <header class="page-head">
      <h2>{name}</h2>
      <div class="actions">
        <a
          data-row
          class="button"
          href={hrefTo(['payments'], { session: id })}
          aria-label={`${texts('show')}: ${name}`}
        >
          {texts('show')}
        </a>
        <a
          class="button"
          href={hrefTo(['sessions'], { session: isOne ? undefined : id })}
          aria-label={isOne ? undefined : `${texts('only')}: ${name}`}
        >
          {isOne ? common('allSessions') : texts('only')}
        </a>
        <Button onClick={onEdit} label={`${texts('edit')} ${name}`}>
          {texts('edit')}
        </Button>
        <Button kind="danger" onClick={onReset} label={`${texts('reset')} ${name}`}>
          {texts('reset')}
        </Button>
      </div>
    </header>
  );
}

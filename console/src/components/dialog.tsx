import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { common } from '../core/texts.ts';
import { Button } from './basics.tsx';

/** A window over the page, which Escape closes. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <header class="page-head">
        <h2 id={id}>{title}</h2>
        <Button kind="quiet" onClick={() => dialog.current?.close()}>
          {common('close')}
        </Button>
      </header>
      {children}
    </dialog>
  );
}

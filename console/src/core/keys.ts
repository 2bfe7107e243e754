import { useEffect, useRef } from 'preact/hooks';

/** What keys do, by key. */
export type Keys = Readonly<Record<string, () => void>>;

/** Keys of a page, while it is there. Not while somebody types, and not with a modifier. */
export function useKeys(keys: Keys): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const action = current.current[event.key];
      if (action !== undefined && !isTyping(event) && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        action();
      }
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
}

function isTyping({ target }: KeyboardEvent): boolean {
  return (
    target instanceof HTMLElement &&
    (target.matches('input, textarea, select') || target.closest('dialog[open]') !== null)
  );
}

/** Moves the focus to the next or the previous row: an element with `data-row`. */
export function moveToRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
  const at = rows.findIndex((row) => row === document.activeElement);
  const next = rows[at === -1 ? (step === 1 ? 0 : rows.length - 1) : at + step];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

/** Puts the cursor into the first field of the filter. */
export function focusFilter(): void {
  document.querySelector<HTMLElement>('[data-filter] input, [data-filter] select')?.focus();
}

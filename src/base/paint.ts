import { styleText } from 'node:util';
import { escapeInvisible } from './visible-text.ts';

/** What a text looks like. */
export type Look = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Makes text safe for a terminal, and gives it a look where there are colours. */
export type Paint = (look: Look | undefined, text: string) => string;

/** Paints with colours, or without. */
export function createPaint(hasColours: boolean): Paint {
  return (look, text) => {
    const safe = escapeInvisible(text);
    return look === undefined || !hasColours ? safe : styleText(look, safe, { validateStream: false });
  };
}

/**
 * Whether text for this stream may have colours: on a terminal, unless NO_COLOR is set; FORCE_COLOR says yes anywhere.
 * https://no-color.org
 */
export function showsColours(stream: NodeJS.WriteStream): boolean {
  return styleText('red', '.', { stream }) !== '.';
}

import { type FieldSpec, moved } from '../../core/fields.ts';
import { matchFields } from './rule-fields.ts';

/** What is known of a call; a method is one, and not a pattern. */
export const callFields: readonly FieldSpec[] = [
  ...matchFields('call').flatMap((field) => fieldOfCall(field, field.path.replace(/^call\./, ''))),
  { path: 'amount', kind: 'number', label: ['Amount', '금액'] },
];

function fieldOfCall({ hint: _hint, choices, ...field }: FieldSpec, path: string): readonly FieldSpec[] {
  if (path.endsWith('_amount')) {
    return [];
  }
  const methods = choices?.filter(([name]) => name !== '*');
  return [moved(methods === undefined ? field : { ...field, choices: methods }, path)];
}

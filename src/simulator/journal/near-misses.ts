/** One thing that must hold. */
export interface Criterion<T> {
  /** The contract's field. */
  readonly name: string;
  readonly fits: (candidate: T) => boolean;
  /** What it is instead, in a word. */
  readonly tell: (candidate: T) => string;
}

/** No more of them are told. */
const maxTold = 10;

/**
 * What fits but for one thing, by that thing: `2 but for status: 2 WAITING`. Those that fit are told first: when
 * there are too many, they are what is near.
 */
export function describeNearMisses<T>(
  candidates: readonly T[],
  criteria: readonly Criterion<T>[],
): readonly string[] {
  const missed = candidates.map((candidate) => criteria.filter(({ fits }) => !fits(candidate)));
  const told = criteria.flatMap((criterion) => {
    const near = candidates.filter(
      (_, index) => missed[index]?.length === 1 && missed[index][0] === criterion,
    );
    return near.length === 0 ? [] : [`${near.length} but for ${criterion.name}: ${countOf(near, criterion)}`];
  });
  const farther = missed.filter(({ length }) => length > 1).length;
  return [...told.slice(0, maxTold), ...(farther > 0 ? [`${farther} differ in more than one thing`] : [])];
}

function countOf<T>(near: readonly T[], { tell }: Criterion<T>): string {
  const counts = new Map<string, number>();
  for (const candidate of near) {
    const what = tell(candidate) || 'none';
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts]
    .slice(0, maxTold)
    .map(([what, count]) => `${count} ${what}`)
    .join(', ');
}

/** Is told what happens. It must be quick: whoever reports waits for it. */
export type Observer<Report> = (report: Report) => void;

/**
 * One observer that tells several, in their order. One that throws neither keeps the others from being told
 * nor disturbs what is reported.
 *
 * @param onFailure called with the first error of each observer, and no further one: an observer that fails
 *   fails with every report.
 */
export function combineObservers<Report>(
  observers: readonly Observer<Report>[],
  onFailure: (error: unknown) => void,
): Observer<Report> {
  const failed = new Set<Observer<Report>>();
  return (report) => {
    for (const observe of observers) {
      try {
        observe(report);
      } catch (error) {
        if (!failed.has(observe)) {
          failed.add(observe);
          onFailure(error);
        }
      }
    }
  };
}

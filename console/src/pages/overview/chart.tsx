const width = 200;
const height = 60;

/** A line of values, the oldest at the left; what is undefined is left out. It begins at 0. */
export function Chart({
  label,
  values,
}: {
  readonly label: string;
  readonly values: readonly (number | undefined)[];
}) {
  const most = Math.max(1e-9, ...values.map((value) => value ?? 0));
  const step = width / Math.max(1, values.length - 1);
  const spots = values.flatMap((value, index) =>
    value === undefined
      ? []
      : [`${(index * step).toFixed(1)},${(height - (value / most) * (height - 4)).toFixed(1)}`],
  );
  return (
    <svg
      class="chart"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <polyline points={spots.join(' ')} />
    </svg>
  );
}

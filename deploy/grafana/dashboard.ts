import { delivery } from './delivery-panels.ts';
import type { Panel, Row } from './panel.ts';
import { processRow, redisRow, workerRow } from './process-panels.ts';
import { callsRow, overview, payments } from './service-panels.ts';

/** Everything on the dashboard, from top to bottom. */
const rows: readonly Row[] = [overview, callsRow, payments, delivery, processRow, redisRow, workerRow];

/** Columns of Grafana's grid, and the heights of panels in its units. */
const columns = 24;
const statHeight = 4;
const graphHeight = 8;
const graphWidth = 8;

const datasource = { type: 'prometheus', uid: '${datasource}' };

interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

/** The dashboard as Grafana imports it. */
export function createDashboard() {
  return {
    title: 'Payment Sim',
    uid: 'payment-sim',
    description: 'The payment gateway simulator and its reservation worker. What to do: docs/operations.md.',
    tags: ['payment-sim'],
    schemaVersion: 41,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    templating: {
      list: [
        {
          name: 'datasource',
          label: 'Prometheus',
          type: 'datasource',
          query: 'prometheus',
          refresh: 1,
        },
        variable('namespace', 'Namespace', 'payment_service_ready'),
        variable('job', 'Job', 'payment_service_ready{namespace=~"$namespace"}'),
        variable('pod', 'Pod', 'payment_service_ready{namespace=~"$namespace",job=~"$job"}'),
      ],
    },
    annotations: { list: [] },
    links: [],
    panels: layOut(rows),
  };
}

/** A choice of the values of a label; all of them, and none where the label is missing, to begin with. */
function variable(name: string, label: string, series: string) {
  const query = `label_values(${series}, ${name})`;
  return {
    name,
    label,
    type: 'query',
    datasource,
    definition: query,
    query: { qryType: 1, query, refId: 'PrometheusVariableQueryEditor-VariableQuery' },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
  };
}

function layOut(all: readonly Row[]) {
  let id = 0;
  let y = 0;
  return all.flatMap((row) => {
    const heading = {
      id: (id += 1),
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: columns, h: 1 },
      panels: [],
    };
    y += 1;
    let x = 0;
    let lineHeight = 0;
    const panels = row.panels.map((panel) => {
      const width = panel.stat === true ? columns / row.panels.length : graphWidth;
      if (x + width > columns) {
        x = 0;
        y += lineHeight;
      }
      lineHeight = panel.stat === true ? statHeight : graphHeight;
      const place = { x, y, w: width, h: lineHeight };
      x += width;
      return toGrafana(panel, (id += 1), place);
    });
    y += lineHeight;
    return [heading, ...panels];
  });
}

function toGrafana(panel: Panel, id: number, gridPos: Place) {
  const { title, description, thresholds } = panel;
  return {
    id,
    type: panel.stat === true ? 'stat' : 'timeseries',
    title,
    description,
    datasource,
    gridPos,
    targets: panel.queries.map(([expr, legendFormat], index) => ({
      refId: String.fromCodePoint(65 + index),
      datasource,
      expr,
      legendFormat,
      range: true,
    })),
    fieldConfig: {
      defaults: {
        unit: panel.unit,
        min: 0,
        ...(panel.max !== undefined && { max: panel.max }),
        color: { mode: panel.stat === true ? 'thresholds' : 'palette-classic' },
        thresholds: {
          mode: 'absolute',
          steps: [
            { color: 'green', value: null },
            ...(thresholds === undefined
              ? []
              : [
                  { color: 'yellow', value: thresholds.yellow },
                  { color: 'red', value: thresholds.red },
                ]),
          ],
        },
        ...(panel.stat !== true && { custom: { lineWidth: 1, fillOpacity: 10, showPoints: 'never' } }),
      },
      overrides: [],
    },
    options:
      panel.stat === true
        ? { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, graphMode: 'area' }
        : {
            legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
            tooltip: { mode: 'multi', sort: 'desc' },
          },
  };
}

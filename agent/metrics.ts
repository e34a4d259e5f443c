/** What the agent tells Prometheus. Names and units as Prometheus wants them: base units, `_total` for counters. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Levels, read when Prometheus asks. */
export interface Levels {
  heldRequests(): number;
  filterVms(): number;
  series(): number;
  outboxReports(): number;
  isConnected(): boolean;
  /** Since the controller's last word; infinite before the first. */
  tableAgeMs(): number;
  tableRemainingMs(): number;
  tableVersion(): { readonly tableEpoch: number; readonly tableNumber: number };
}

export class Metrics {
  readonly registry = new Registry();
  readonly samples = this.#counter('samples_total', 'Samples messages of filters, by what became of them.', ['result']);
  readonly calls = this.#counter('calls_total', 'Calls that filters measured.');
  readonly droppedCalls = this.#counter('dropped_calls_total', 'Calls that a filter or this agent had no room for.');
  readonly refusedRequests = this.#counter('refused_requests_total', 'HTTP requests that were not taken.', ['status']);
  readonly tableAnswers = this.#counter('table_answers_total', 'Answers to table requests, by kind.', ['kind']);
  readonly connects = this.#counter('controller_connects_total', 'Tries to connect to the controller.');
  readonly badFrames = this.#counter('controller_bad_frames_total', 'Frames of the controller that were not read.');
  readonly epochsRefused = this.#counter('epochs_refused_total', 'Times that a controller of a lower epoch came.');
  readonly tableFaults = this.#counter('table_faults_total', 'Services of tables that no filter could read.');
  readonly stateErrors = this.#counter('state_errors_total', 'State files that could not be written or read.');
  readonly reports = this.#counter('reports_sent_total', 'Reports that left for the controller.');
  readonly lostReports = this.#counter('reports_lost_total', 'Reports that the full outbox dropped.');
  readonly crowdedSeries = this.#counter('forecast_crowded_total', 'Edges of a window that were not forecast.');
  readonly faults = this.#counter('faults_total', 'Errors of the agent itself, caught and logged.', ['where']);
  readonly windowSeconds = new Histogram({
    name: 'weir_agent_window_close_seconds',
    help: 'Time that closing a window took: adding up, forecasting, encoding.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    registers: [this.registry],
  });

  constructor(levels: Levels) {
    collectDefaultMetrics({ register: this.registry });
    this.#gauge('held_requests', 'Table requests held open for filters.', levels.heldRequests);
    this.#gauge('filter_vms', 'Filter VMs heard of in the last minute.', levels.filterVms);
    this.#gauge('forecast_series', 'Series that are forecast.', levels.series);
    this.#gauge('outbox_reports', 'Reports that wait for the controller.', levels.outboxReports);
    this.#gauge('controller_connected', '1 while the controller is connected.', () => Number(levels.isConnected()));
    this.#gauge('table_age_seconds', "Time since the controller's last word.", () => levels.tableAgeMs() / 1e3);
    this.#gauge('table_remaining_seconds', 'Time for which filters may still steer by the tables.', () => {
      return levels.tableRemainingMs() / 1e3;
    });
    this.#gauge('table_epoch', 'Epoch of the tables; 0: none.', () => levels.tableVersion().tableEpoch);
    this.#gauge('table_number', 'Number of the tables within their epoch.', () => levels.tableVersion().tableNumber);
  }

  async page(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter<string> {
    return new Counter({ name: `weir_agent_${name}`, help, labelNames, registers: [this.registry] });
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: `weir_agent_${name}`,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }
}

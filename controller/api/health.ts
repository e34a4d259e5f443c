/** For probes and scrapers. Alive: the loop turns. Ready: routes are loaded and tables can be given out. */
import type { TypedApi } from './read.ts';
import { Health } from './schemas.ts';

export interface HealthSource {
  /** Nothing, or a sentence that says what is wrong. */
  whyNotAlive(): string | undefined;
  whyNotReady(): string | undefined;
  /** Prometheus text. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}

export function addHealthRoutes(api: TypedApi, health: HealthSource): void {
  const probe = (path: string, summary: string, why: () => string | undefined) => {
    api.get(path, { schema: { summary, response: { 200: Health, 503: Health } } }, (_, reply) => {
      const trouble = why();
      reply.code(trouble ? 503 : 200);
      return { ok: trouble === undefined, message: trouble ?? 'ok' };
    });
  };
  probe('/healthz', 'Whether the process is worth keeping', () => health.whyNotAlive());
  probe('/readyz', 'Whether it steers', () => health.whyNotReady());
  api.get('/metrics', { schema: { summary: 'Metrics for Prometheus' } }, async (_, reply) => {
    const { contentType, text } = await health.metrics();
    return reply.type(contentType).serializer(String).send(text);
  });
}

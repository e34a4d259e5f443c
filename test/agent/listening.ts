/** A log that keeps its events instead of writing them. */
import type { Log } from '../../agent/log.ts';

export interface Said {
  readonly level: string;
  readonly event: string;
  readonly sentence: string;
}

export function listening(): { log: Log; said: Said[] } {
  const said: Said[] = [];
  const at = (level: string) => (fields: unknown, sentence?: string) => {
    said.push({ level, event: String((fields as { event?: unknown }).event), sentence: sentence ?? '' });
  };
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } as unknown as Log;
  return { log, said };
}

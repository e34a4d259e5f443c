/**
 * The filter for proxies to fetch. Another digest than ours is asked for while a release is rolled out, from the old controller or from
 * the new: 503 and not 404, since Istio's proxies try again at the one and give up at the other.
 */
import Type from 'typebox';
import { type FilterModule, filterPath } from '../filter-module.ts';
import { ApiError } from './errors.ts';
import type { TypedApi } from './read.ts';
import { Failure } from './schemas.ts';

const Params = Type.Object({ file: Type.String({ pattern: '^[0-9a-f]{64}\\.wasm$' }) });

export function addFilterRoutes(api: TypedApi, filter: FilterModule | undefined): void {
  const schema = {
    summary: 'The filter, by the sha256 of its bytes',
    params: Params,
    response: { 200: Type.Unsafe<Buffer>(Type.Any()), 503: Failure },
  };
  api.get('/v1/filter/:file', { schema }, async ({ params }, reply) => {
    if (filter && filterPath(filter).endsWith(`/${params.file}`)) {
      return reply
        .type('application/wasm')
        .header('cache-control', 'public, max-age=31536000, immutable')
        .send(filter.bytes);
    }
    const held = filter ? `this controller has ${filter.sha256}` : 'this controller was built without the filter';
    throw new ApiError(503, 'WEIR_API_OTHER_FILTER', `there is no filter ${params.file} here; ${held}`);
  });
}

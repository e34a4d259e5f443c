/**
 * Who a ServiceAccount token belongs to and what that account may do, as the API server says it: TokenReview, then
 * SubjectAccessReview, so that access is given and taken by the cluster's own roles. A deed is a path that no object has
 * (`nonResourceURLs` of a ClusterRole). What was answered is kept for a while; a token that was not asked about while the API server is
 * away is turned down and may come again.
 */
import { createHash } from 'node:crypto';
import type { AuthenticationV1Api, AuthorizationV1Api } from '@kubernetes/client-node';
import type { Clock } from '../clock.ts';
import { type Access, bearerOf, type Deed, type Refusal } from './access.ts';

/** What a role must allow. */
export const DEEDS: Readonly<Record<Deed, { readonly path: string; readonly verb: string }>> = {
  agent: { path: '/weir/agents', verb: 'get' },
  change: { path: '/weir/changes', verb: 'post' },
};
/** A role that is taken away counts after this long. */
const KEPT_MS = 60_000;
/** A role that is given counts after this long. */
const REFUSED_MS = 5_000;
/** More tokens than a mesh has agents; the oldest go first. */
const MOST_KEPT = 20_000;
const ANSWER_WITHIN_MS = 4_000;
/** At one time; whoever comes beyond them is told to come again. */
const MOST_ASKED = 256;

export interface ReviewOptions {
  readonly authentication: Pick<AuthenticationV1Api, 'createTokenReview'>;
  readonly authorization: Pick<AuthorizationV1Api, 'createSubjectAccessReview'>;
  /** For which a token must have been made. */
  readonly audience: string;
  readonly clock: Pick<Clock, 'nowMs' | 'after'>;
  /** Says what an error of the API server means. */
  readonly explain: (error: unknown) => string;
}

export class Reviewed implements Access {
  private readonly options: ReviewOptions;
  private readonly kept = new Map<string, { readonly untilMs: number; readonly refusal: Refusal | undefined }>();
  private asked = 0;

  constructor(options: ReviewOptions) {
    this.options = options;
  }

  async refusal(deed: Deed, authorization: string | undefined): Promise<Refusal | undefined> {
    const token = bearerOf(authorization);
    if (token === undefined) {
      return { reason: 'none', message: `no token was shown; a ServiceAccount's, for ${this.audience()}, is needed` };
    }
    const key = `${deed} ${createHash('sha256').update(token).digest('base64')}`;
    const known = this.kept.get(key);
    if (known && known.untilMs > this.options.clock.nowMs()) return known.refusal;
    if (this.asked >= MOST_ASKED)
      return { reason: 'unknown', message: 'too many tokens are being looked at; try again' };
    this.asked += 1;
    try {
      const refusal = await this.inTime(this.ask(deed, token));
      this.keep(key, refusal);
      return refusal;
    } catch (error) {
      return { reason: 'unknown', message: `the token could not be looked at: ${this.options.explain(error)}` };
    } finally {
      this.asked -= 1;
    }
  }

  private async ask(deed: Deed, token: string): Promise<Refusal | undefined> {
    const { authentication, authorization, audience } = this.options;
    const { status } = await authentication.createTokenReview({ body: { spec: { token, audiences: [audience] } } });
    const user = status?.user;
    if (!status?.authenticated || !user?.username || !status.audiences?.includes(audience)) {
      const why = status?.error ? ` (${status.error})` : '';
      return { reason: 'bad', message: `the API server does not accept the token for ${this.audience()}${why}` };
    }
    const { path, verb } = DEEDS[deed];
    const answer = await authorization.createSubjectAccessReview({
      body: {
        spec: {
          user: user.username,
          ...(user.uid !== undefined && { uid: user.uid }),
          ...(user.groups && { groups: user.groups }),
          ...(user.extra && { extra: user.extra }),
          nonResourceAttributes: { path, verb },
        },
      },
    });
    if (answer.status?.allowed) return undefined;
    const message = `${user.username} has no role that allows ${verb} on ${path}`;
    return { reason: 'forbidden', message };
  }

  /** Who waits for an answer waits no longer than an agent does. */
  private async inTime<T>(answer: Promise<T>): Promise<T> {
    let cancel = () => {};
    const late = new Promise<never>((_, reject) => {
      cancel = this.options.clock.after(ANSWER_WITHIN_MS, () => reject(new Error('no answer came in time')));
    });
    return Promise.race([answer, late]).finally(cancel);
  }

  private keep(key: string, refusal: Refusal | undefined): void {
    this.kept.delete(key);
    this.kept.set(key, { untilMs: this.options.clock.nowMs() + (refusal ? REFUSED_MS : KEPT_MS), refusal });
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= MOST_KEPT) break;
      this.kept.delete(oldest);
    }
  }

  private audience(): string {
    return `audience ${this.options.audience}`;
  }
}

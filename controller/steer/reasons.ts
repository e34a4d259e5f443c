/** Why relief did what it did, in sentences that name the figures they rest on. */
import type { Evidence, Judgement } from '../decide/relief/judge.ts';
import { milliseconds, percent, rounded, seconds } from '../decide/say.ts';

/** `v2-a failed 54 of 60 calls in 2 s (90 %), before that 0.1 %; by chance less than once in 10^12` */
export function whyRelieved(backend: string, { fault, evidence, chance }: Judgement): string {
  const { attempts, failures, answered, slow, spanMs, lossSumMs } = evidence;
  const within = `in ${seconds(spanMs)}`;
  if (fault === 'errors') {
    return `${backend} failed ${failures} of ${attempts} calls ${within} (${ratio(failures, attempts)}), ${pastErrors(evidence)}; ${odds(chance)}`;
  }
  const past = milliseconds(evidence.expectedLossSumMs / Math.max(1, attempts));
  const now = milliseconds(lossSumMs / Math.max(1, attempts));
  return `${backend} was slower than its usual p99 in ${slow} of ${answered} calls ${within} (${ratio(slow, answered)}), a call costs ${now} against ${past} before; ${odds(chance)}`;
}

export function whyRisen(backend: string, evidence: Evidence, isOver: boolean, heldMs: number): string {
  const { attempts, failures, slow } = evidence;
  const good = `${attempts - Math.min(attempts, failures + slow)} of its last ${attempts} calls were as good as before the fault`;
  return isOver
    ? `${backend} is well: ${good}; it has its whole share again after ${seconds(heldMs)}`
    : `${backend} looks well: ${good}; it wins a step back`;
}

export function whyFallen(backend: string, { attempts, failures, slow }: Evidence, failedClimbs: number): string {
  const tries = failedClimbs === 1 ? 'the first time' : `${failedClimbs} times now`;
  return `${backend} turned bad again on its way back, ${tries}: ${failures} of ${attempts} calls failed, ${slow} were slow; the next step waits longer`;
}

export function whyItWasLoad(backend: string, { attempts, failures, slow }: Evidence): string {
  const good = attempts - Math.min(attempts, failures + slow);
  return `${backend} is well with this share: ${good} of its last ${attempts} calls were as before; its load made it slow, so the weights stay here`;
}

export function whyStillSlow(backend: string, { answered, slow }: Evidence): string {
  return `${backend} is still slow: ${slow} of its last ${answered} calls were slower than its usual p99`;
}

/** The counts behind a sentence, for whoever wants to check it. */
export function evidenceFields(evidence: Evidence): Record<string, number> {
  return Object.fromEntries(Object.entries(evidence).map(([name, value]) => [name, rounded(value as number)]));
}

function pastErrors({ pastAttempts, pastFailures }: Evidence): string {
  return pastAttempts >= 1
    ? `before that ${ratio(pastFailures, pastAttempts)}`
    : 'and nothing is known of it before that';
}

function ratio(part: number, whole: number): string {
  return percent(whole > 0 ? part / whole : 0);
}

/** How rare it would be were nothing wrong. */
function odds(chance: number): string {
  const power = Math.floor(-Math.log10(Math.max(chance, 1e-300)));
  if (power < 6) return `by chance once in ${Math.round(1 / chance)} looks`;
  return `by chance less than once in ${power === 6 ? '1,000,000' : `10^${power}`} looks`;
}

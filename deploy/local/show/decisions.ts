/** Asks the controller what it decided, and says it in a line. */
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';

const ASK_EVERY_MS = 1000;
const ASK_FOR = 100;

const Weights = Type.Record(Type.String(), Type.Number());
/** What is shown of a decision; the controller says more. */
const Decision = Type.Object({
  id: Type.Integer(),
  atMs: Type.Number(),
  kind: Type.String(),
  service: Type.String(),
  group: Type.String(),
  from: Weights,
  to: Weights,
  why: Type.String(),
  trial: Type.Optional(Type.Object({ stage: Type.Number(), stages: Type.Number() })),
  verdict: Type.Optional(Type.String()),
});
export type Decision = Static<typeof Decision>;
const Answer = Type.Object({ decisions: Type.Array(Decision) });

export interface Following {
  /** Asks once more, and no more after that. */
  stop(): Promise<void>;
}

/** Decisions as they come, oldest first, until `stop` is called. A controller that does not answer is asked again. */
export function followDecisions(apiUrl: string, tell: (decision: Decision) => void): Following {
  let lastId = 0;
  let asking: Promise<void> | undefined;
  const ask = async () => {
    try {
      const answer = await fetch(`${apiUrl}/v1/decisions?limit=${ASK_FOR}`, {
        signal: AbortSignal.timeout(ASK_EVERY_MS),
      });
      const body: unknown = await answer.json();
      if (!Value.Check(Answer, body)) return;
      for (const decision of body.decisions.filter(({ id }) => id > lastId).sort((a, b) => a.id - b.id)) {
        lastId = decision.id;
        tell(decision);
      }
    } catch {
      // Down or busy; the mesh goes on without it and so does this display.
    }
  };
  const askOnce = () => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
  const timer = setInterval(() => void askOnce(), ASK_EVERY_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await asking;
      await askOnce();
    },
  };
}

/** `payments:80 from zone-a: relief v1-a 33 % → 49 %, v2-a 33 % → 2 %: why`. */
export function sayDecision({ kind, service, group, from, to, why, trial, verdict }: Decision): string {
  const moves = Object.keys(to)
    .filter((name) => to[name] !== from[name])
    .map((name) => `${name} ${share(from[name])} → ${share(to[name])}`);
  const what = verdict ? `${kind} ${verdict}` : trial ? `${kind} ${trial.stage} of ${trial.stages}` : kind;
  return `${service} from ${group === '*' ? 'everywhere' : group}: ${what}${moves.length > 0 ? ` ${moves.join(', ')}` : ''}: ${why}`;
}

function share(weight: number | undefined): string {
  return weight === undefined ? '–' : `${Math.round(weight / 100)} %`;
}

/** `v1=0.9 v2=10%` to weights out of 10,000. */
import { CommandError } from './client.ts';

const WEIGHT_TOTAL = 10_000;

/** @throws CommandError that names the argument */
export function parseShares(shares: readonly string[]): Record<string, number> {
  const weights: Record<string, number> = {};
  for (const text of shares) {
    const match = /^([^=]+)=(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(text);
    const [, name = '', digits = '', sign = ''] = match ?? [];
    const share = Number(digits) / (sign === '%' ? 100 : 1);
    if (!match || share > 1) throw new CommandError(`${text} is no share; write backend=0.25 or backend=25%`);
    if (Object.hasOwn(weights, name)) throw new CommandError(`${name} is given twice; a backend has one share`);
    const weight = share * WEIGHT_TOTAL;
    if (Math.abs(weight - Math.round(weight)) > 1e-6) {
      throw new CommandError(`${text} is finer than 0.01 %, the smallest share there is`);
    }
    weights[name] = Math.round(weight);
  }
  const sum = Object.values(weights).reduce((total, weight) => total + weight, 0);
  if (sum !== WEIGHT_TOTAL) throw new CommandError(`the shares sum to ${sum / 100} %; they must sum to 100 %`);
  return weights;
}

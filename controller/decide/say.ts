/** Figures as a person reads them at three in the morning: two significant digits, with their unit. */

/** `93 %`, `2.5 %`, `0.02 %` */
export function percent(share: number): string {
  const value = share * 100;
  return `${value >= 10 ? Math.round(value) : Number(value.toPrecision(2))} %`;
}

/** `120 ms`, `3.4 ms` */
export function milliseconds(value: number): string {
  // What is left of decimals in binary is nothing.
  if (Math.abs(value) < 1e-6) return '0 ms';
  return `${Math.abs(value) >= 10 ? Math.round(value) : Number(value.toPrecision(2))} ms`;
}

/** `2 s`, `0.5 s` */
export function seconds(valueMs: number): string {
  const value = valueMs / 1_000;
  return `${value >= 10 ? Math.round(value) : Number(value.toPrecision(2))} s`;
}

/** Numbers for evidence fields: four significant digits. */
export function rounded(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : value;
}

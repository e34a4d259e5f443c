/** The kinds of field that the schemas of a scenario are made of. */
import Type from 'typebox';

/** No key but those named. */
export const closed = { additionalProperties: false };

export const Name = (description: string) =>
  Type.String({
    pattern: '^[a-z0-9]([-a-z0-9]{0,39}[a-z0-9])?$',
    description: `${description} Lower case, digits, dashes.`,
  });

export const Ratio = (description: string) => Type.Number({ minimum: 0, maximum: 1, description });
export const Seconds = (description: string) => Type.Number({ minimum: 0, maximum: 86_400, description });
export const Rps = (description: string) => Type.Number({ minimum: 0, maximum: 100_000, description });

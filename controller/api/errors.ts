/** A request that the API turns down, with its HTTP status. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: `WEIR_API_${string}`;
  readonly statusCode: number;

  constructor(statusCode: number, code: `WEIR_API_${string}`, message: string) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
  }
}

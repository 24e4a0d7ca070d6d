// Pure.
/**
 * A refusal, as the JSON services of AWS word it.
 *
 * @module
 */

/**
 * What an operation throws to refuse a call. Anything else that it throws is a bug of ours, and answered with
 * 500.
 */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: string;
  readonly status: number;
  /** Members of the answer beside `__type` and `message`. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, more: ApiErrorMore = {}) {
    super(message);
    this.code = code;
    this.status = more.status ?? 400;
    this.members = more.members ?? {};
  }
}

/** What an error may contain besides. */
export interface ApiErrorMore {
  /** @default {400} */
  readonly status?: number | undefined;
  readonly members?: Readonly<Record<string, unknown>> | undefined;
}

/** The input breaks a constraint of the operation's model. */
export function invalid(message: string): ApiError {
  return new ApiError("ValidationException", message);
}

/** As the services word one broken constraint. */
export function constraintError(value: unknown, member: string, constraint: string): ApiError {
  const shown = value === undefined ? "null" : typeof value === "string" ? value : JSON.stringify(value);
  return invalid(
    `1 validation error detected: Value '${shown}' at '${member}' failed to satisfy constraint: ${constraint}`,
  );
}

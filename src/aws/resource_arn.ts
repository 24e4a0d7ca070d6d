// Pure.
/**
 * Takes apart the ARNs of places that are written to.
 *
 * @module
 */

/** The parts of an ARN. */
export interface ResourceArn {
  /** `aws`, `aws-cn`, `aws-us-gov`, … */
  readonly partition: string;
  readonly service: string;
  /** Empty for a bucket. */
  readonly region: string;
  /** 12 digits; empty for a bucket. */
  readonly accountId: string;
  /** What follows the account: a name, or a kind, a slash and a name. */
  readonly resource: string;
}

/** @returns undefined when the text has not the form of an ARN. */
export function parseArn(text: string): ResourceArn | undefined {
  const [, partition, service, region, accountId, resource] =
    /^arn:(aws[a-z-]*):([a-z0-9-]+):([a-z0-9-]*):(\d{12}|):([\w./:+=@!'()*-]{1,1024})$/.exec(text) ?? [];
  if (
    partition === undefined || service === undefined || region === undefined || accountId === undefined ||
    resource === undefined
  ) return undefined;
  return { partition, service, region, accountId, resource };
}

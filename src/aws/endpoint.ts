// Pure.
/**
 * Finds the address of a service in a region, and reads a stream's ARN.
 *
 * Only the shape of a region is checked, since AWS opens new ones. A misspelt region of the right shape shows
 * itself as a host that cannot be reached.
 *
 * @module
 */

import { shownAddress } from "../shown_address.ts";
import { isTableStreamName, parseTableStreamArn, tableStreamArn } from "../stream/table_stream_name.ts";

/** The parts of a stream's ARN. */
export interface StreamArn {
  /** `aws`, `aws-cn`, `aws-us-gov`, … */
  readonly partition: string;
  readonly region: string;
  /** 12 digits. */
  readonly accountId: string;
  readonly streamName: string;
}

/** A service, its region, and its own address if it has one. */
export interface EndpointRequest {
  /** The host's first part: `kinesis`, `dynamodb`, `sts`, `sqs`, `sns`, `s3`, `monitoring`. */
  readonly service: string;
  /** Any text is accepted with an own `endpoint`, since emulators know no regions. */
  readonly region: string;
  /** Base URL of an emulator or of a private endpoint. */
  readonly endpoint?: string | undefined;
}

/**
 * The URL of a service, with a trailing slash and no query.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function endpointUrl(request: EndpointRequest): string {
  if (request.endpoint !== undefined) {
    if (!/^[\w-]+$/.test(request.region)) throw regionError(request.region);
    return checkedEndpoint(request.endpoint);
  }
  return variantUrl(request, {});
}

/** Which of a region's public endpoints. */
export interface EndpointVariant {
  /** The endpoint with cryptography that is validated under FIPS 140. */
  readonly fips?: boolean | undefined;
  /** The one that IPv6 reaches too. */
  readonly dualStack?: boolean | undefined;
}

/**
 * The URL of one of a service's public endpoints.
 *
 * Source: the endpoint rules of the AWS SDKs for Kinesis, DynamoDB, STS, SQS, SNS, S3 and CloudWatch.
 *
 * @throws {TypeError} when the region cannot be one.
 */
export function variantUrl(
  { service, region }: Pick<EndpointRequest, "service" | "region">,
  { fips = false, dualStack = false }: EndpointVariant,
): string {
  const { name, dnsSuffix, dualStackDnsSuffix } = partitionOf(checkedRegion(region));
  // S3 has a host of its own for both stacks, in the usual domain.
  if (service === "s3") {
    return `https://s3${fips ? "-fips" : ""}${dualStack ? ".dualstack" : ""}.${region}.${dnsSuffix}/`;
  }
  // Those of GovCloud are validated all of them.
  const isMarked = fips && (name !== "aws-us-gov" || dualStack);
  return `https://${service}${isMarked ? "-fips" : ""}.${region}.${
    dualStack ? dualStackDnsSuffix : dnsSuffix
  }/`;
}

/**
 * The region itself, when it has the shape of one, e.g. `eu-central-1` or `us-gov-west-1`.
 *
 * @throws {TypeError} otherwise.
 */
export function checkedRegion(region: string): string {
  if (!/^[a-z]{2,4}(-[a-z]{2,5})?-[a-z]{4,12}-\d{1,2}$/.test(region)) throw regionError(region);
  return region;
}

/**
 * The endpoint as a URL with a trailing slash.
 *
 * @throws {TypeError} when it is not an http or https URL, or carries a query or a user name.
 */
export function checkedEndpoint(endpoint: string): string {
  const url = parsedUrl(endpoint);
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new TypeError(
      `Cannot use ${endpointShown(endpoint)}: expected a URL such as "http://127.0.0.1:4567" or ` +
        `"https://kinesis.eu-central-1.amazonaws.com"`,
    );
  }
  const hasMore = url.search !== "" || url.hash !== "" || url.username !== "" || url.password !== "";
  if (hasMore || url.pathname.includes("@")) {
    // Not repeated in the message: a password may be in it.
    throw new TypeError(
      `Cannot use the endpoint at ${url.host}: expected scheme, host, port and path alone: got a query, a ` +
        'fragment, a user name or an "@"',
    );
  }
  return url.href.endsWith("/") ? url.href : `${url.href}/`;
}

/** Whether a checked endpoint is one of AWS's own: public, of FIPS, of both stacks, or of a VPC. */
export function isAwsHost(endpoint: string): boolean {
  const { protocol, hostname } = new URL(endpoint);
  return protocol === "https:" &&
    [AWS, ...PARTITIONS].some(({ dnsSuffix, dualStackDnsSuffix }) =>
      hostname.endsWith(`.${dnsSuffix}`) || hostname.endsWith(`.${dualStackDnsSuffix}`)
    );
}

/**
 * Takes a stream's ARN apart: `arn:aws:kinesis:eu-central-1:123456789012:stream/orders`, or that of a table's
 * stream, `arn:aws:dynamodb:eu-central-1:123456789012:table/orders/stream/2026-01-30T12:00:00.000`.
 *
 * @throws {TypeError} when it is not one.
 */
export function parseStreamArn(arn: string): StreamArn {
  const ofTable = parseTableStreamArn(arn);
  if (ofTable !== undefined) return ofTable;
  const [, partition, region, accountId, streamName] =
    /^arn:(aws[a-z-]*):kinesis:([a-z0-9-]+):(\d{12}):stream\/([\w.-]{1,128})$/.exec(arn) ?? [];
  if (
    partition === undefined || region === undefined || accountId === undefined || streamName === undefined
  ) {
    throw new TypeError(
      `Cannot use stream ARN ${JSON.stringify(arn)}: expected ` +
        '"arn:aws:kinesis:REGION:ACCOUNT_ID:stream/STREAM_NAME" with an account id of 12 digits, or a table\'s LatestStreamArn',
    );
  }
  return { partition, region, accountId, streamName };
}

/**
 * The stream of a consumer's ARN:
 * `arn:aws:kinesis:eu-central-1:123456789012:stream/orders/consumer/app:1700000000`.
 *
 * @returns undefined when it is no such ARN.
 */
export function consumerStreamOf(consumerArn: string): StreamArn | undefined {
  const [, partition, region, accountId, streamName] =
    /^arn:([^:]*):kinesis:([^:]*):([^:]*):stream\/([^/:]+)\/consumer\/[^/:]+:\d+$/.exec(consumerArn) ?? [];
  return partition === undefined || region === undefined || accountId === undefined ||
      streamName === undefined
    ? undefined
    : { partition, region, accountId, streamName };
}

/** The ARN of a stream in the given account. */
export function streamArnOf(
  { region, accountId, streamName }: Pick<StreamArn, "region" | "accountId" | "streamName">,
): string {
  const { name } = partitionOf(region);
  if (isTableStreamName(streamName)) return tableStreamArn(name, streamName);
  return `arn:${name}:kinesis:${region}:${accountId}:stream/${streamName}`;
}

/**
 * What is surely a host and a port, as people write them without a scheme. Anything else may hold a password.
 */
function endpointShown(endpoint: string): string {
  const shown = shownAddress(endpoint);
  return shown === undefined ? "what is given as an endpoint" : `endpoint ${JSON.stringify(shown)}`;
}

/** `URL.parse` is missing in Node 20. */
function parsedUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

interface Partition {
  /** How its regions begin. */
  readonly regions: string;
  readonly name: string;
  readonly dnsSuffix: string;
  readonly dualStackDnsSuffix: string;
}

const AWS: Partition = {
  regions: "",
  name: "aws",
  dnsSuffix: "amazonaws.com",
  dualStackDnsSuffix: "api.aws",
};

/** Source: the partitions of the AWS SDK's endpoint rules. */
const PARTITIONS: readonly Partition[] = ([
  ["cn-", "aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn"],
  ["us-gov-", "aws-us-gov", "amazonaws.com", "api.aws"],
  ["us-iso-", "aws-iso", "c2s.ic.gov", "api.aws.ic.gov"],
  ["us-isob-", "aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud"],
  ["eu-isoe-", "aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"],
  ["us-isof-", "aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov"],
  ["eusc-", "aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu"],
] as const).map(([regions, name, dnsSuffix, dualStackDnsSuffix]) => ({
  regions,
  name,
  dnsSuffix,
  dualStackDnsSuffix,
}));

/** `aws`, `aws-cn`, `aws-us-gov`, …: what ARNs of a region begin with. */
export function partitionName(region: string): string {
  return partitionOf(region).name;
}

function partitionOf(region: string): Partition {
  return PARTITIONS.find(({ regions }) => region.startsWith(regions)) ?? AWS;
}

function regionError(region: string): TypeError {
  // The text may be part of a URL, and a password with it.
  const shown = /^[\w-]{0,40}$/.test(region)
    ? `region ${JSON.stringify(region)}`
    : "what is given as a region";
  return new TypeError(
    `Cannot use ${shown}: expected a region's code such as "eu-central-1" or "us-gov-west-1"`,
  );
}

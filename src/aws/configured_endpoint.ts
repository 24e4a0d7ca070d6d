// Pure.
/**
 * Where a service is reached according to the standard settings of AWS's tools: environment variables, and
 * the profile.
 *
 * The first that says something counts: `AWS_ENDPOINT_URL_KINESIS` and its like, `AWS_ENDPOINT_URL`, the
 * profile's `services` section, the profile's `endpoint_url`. `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` switches
 * all four off.
 *
 * Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints", "Dual-stack and FIPS endpoints".
 *
 * @module
 */

import type { Lookup } from "./credentials.ts";
import { checkedEndpoint, type EndpointVariant, variantUrl } from "./endpoint.ts";
import { cborSwitch, type WireFormat } from "./wire_format.ts";

/** A service with a configurable endpoint. */
export type ConfigurableService =
  | "kinesis"
  | "dynamodb"
  | "dynamodb_streams"
  | "sts"
  | "sqs"
  | "sns"
  | "s3"
  | "cloudwatch";

/** What is looked at. */
export interface EndpointSettings {
  readonly env: Lookup;
  /**
   * A setting of the profile in use; of a service within the profile's `services` section if one is named.
   */
  readonly profile: (key: string, service?: ConfigurableService) => string | undefined;
}

/** What the settings say. */
export interface ConfiguredEndpoint {
  readonly url: string;
  /** The setting, e.g. `AWS_ENDPOINT_URL`. */
  readonly setting: string;
}

/**
 * Where the settings say that the service is.
 *
 * @param region Of the service. Needed for an endpoint of FIPS or of both stacks.
 * @returns undefined if they say nothing: the region's usual endpoint.
 * @throws {TypeError} when a setting cannot be read, or two of them exclude each other. No password is
 * repeated.
 */
export function configuredEndpoint(
  service: ConfigurableService,
  region: string,
  settings: EndpointSettings,
): ConfiguredEndpoint | undefined {
  const url = configuredUrl(service, settings);
  const fips = flag("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", settings);
  const dualStack = flag("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint", settings);
  const chosen = [fips, dualStack].filter(({ isOn }) => isOn).map(({ setting }) => setting);
  if (url === undefined) {
    if (chosen.length === 0) return undefined;
    const variant: EndpointVariant = { fips: fips.isOn, dualStack: dualStack.isOn };
    return {
      url: variantUrl({ service: hostOf(service, variant), region }, variant),
      setting: chosen.join(" and "),
    };
  }
  if (chosen.length > 0) {
    // As AWS's SDKs do: it cannot be known whether that address is such an endpoint.
    throw new TypeError(
      `Cannot use ${
        chosen.join(" and ")
      } together with ${url.setting}: expected one of them: remove the other, or ` +
        `set AWS_IGNORE_CONFIGURED_ENDPOINT_URLS to true`,
    );
  }
  return url;
}

/** The options of a worker that AWS's settings know too: where data is sent, and how it is read. */
export interface WorkerEndpoints {
  /** The base URL of Kinesis, where the options set one. */
  readonly kinesisEndpoint?: string | undefined;
  /** The base URL of DynamoDB, where the options set one. */
  readonly dynamoDBEndpoint?: string | undefined;
  /** The base URL of DynamoDB Streams, where the options set one. */
  readonly dynamoDBStreamsEndpoint?: string | undefined;
  /** How GetRecords answers, where the options say so. */
  readonly wireFormat?: WireFormat | undefined;
}

/** The endpoints of a worker, and the settings that they are from. */
export interface WorkerEndpointsChoice {
  /** Only what the settings add. */
  readonly endpoints: WorkerEndpoints;
  /** For people: which setting sets which endpoint. */
  readonly notes: readonly string[];
}

/**
 * What the settings add to a worker's options, which have precedence over every setting.
 *
 * @param systemProperty Finds a system property of Java, as a launcher sets them.
 * @throws {TypeError} as {@linkcode configuredEndpoint}.
 */
export function workerEndpoints(
  options: WorkerEndpoints & { readonly region: string; readonly dynamoDBRegion?: string | undefined },
  settings: EndpointSettings,
  systemProperty?: Lookup,
): WorkerEndpointsChoice {
  const { region, dynamoDBRegion = region } = options;
  const endpoints: { -readonly [name in keyof WorkerEndpoints]: WorkerEndpoints[name] } = {};
  const notes: string[] = [];
  for (
    const [name, service, where] of [
      ["kinesisEndpoint", "kinesis", region],
      ["dynamoDBEndpoint", "dynamodb", dynamoDBRegion],
      ["dynamoDBStreamsEndpoint", "dynamodb_streams", region],
    ] as const
  ) {
    // What is said of all services reaches the streams of tables by the two others: see `streamsEndpoint()`.
    if (options[name] !== undefined || (service === "dynamodb_streams" && !isNamed(service, settings))) {
      continue;
    }
    const found = configuredEndpoint(service, where, settings);
    if (found === undefined) continue;
    endpoints[name] = found.url;
    notes.push(`${name} is ${found.url}: set by ${found.setting}`);
  }
  const switchedOffBy = options.wireFormat === undefined
    ? cborSwitch(settings.env, systemProperty)
    : undefined;
  if (switchedOffBy !== undefined) {
    endpoints.wireFormat = "json";
    notes.push(`wireFormat is json: set by ${switchedOffBy}`);
  }
  return { endpoints, notes };
}

/** The first part of the service's public address. */
function hostOf(service: ConfigurableService, { dualStack }: EndpointVariant): string {
  if (service === "dynamodb_streams") return dualStack ? "streams-dynamodb" : "streams.dynamodb";
  return service === "cloudwatch" ? "monitoring" : service;
}

/** Whether a setting names an endpoint for this service alone. */
function isNamed(service: ConfigurableService, { env, profile }: EndpointSettings): boolean {
  return [env(ownVariableOf(service)), profile("endpoint_url", service)].some((value) => value?.trim());
}

function ownVariableOf(service: ConfigurableService): string {
  return `AWS_ENDPOINT_URL_${service.toUpperCase()}`;
}

function configuredUrl(
  service: ConfigurableService,
  settings: EndpointSettings,
): ConfiguredEndpoint | undefined {
  if (flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls", settings).isOn) {
    return undefined;
  }
  const { env, profile } = settings;
  const ownVariable = ownVariableOf(service);
  const candidates: readonly (readonly [string, string | undefined])[] = [
    [ownVariable, env(ownVariable)],
    ["AWS_ENDPOINT_URL", env("AWS_ENDPOINT_URL")],
    [`the profile's endpoint_url of ${service}`, profile("endpoint_url", service)],
    ["the profile's endpoint_url", profile("endpoint_url")],
  ];
  for (const [setting, value] of candidates) {
    const text = value?.trim();
    if (text) return { url: readUrl(text, setting), setting };
  }
  return undefined;
}

function readUrl(text: string, setting: string): string {
  try {
    return checkedEndpoint(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : "it is no URL";
    throw new TypeError(`Cannot use ${setting}: ${reason}`);
  }
}

interface Flag {
  readonly isOn: boolean;
  readonly setting: string;
}

/** A variable has precedence over the profile. */
function flag(variable: string, key: string, { env, profile }: EndpointSettings): Flag {
  const inEnv = env(variable)?.trim();
  const setting = inEnv ? variable : `the profile's ${key}`;
  const value = (inEnv || profile(key)?.trim() || "false").toLowerCase();
  if (value === "true" || value === "false") return { isOn: value === "true", setting };
  throw new TypeError(`Cannot use ${setting}: expected true or false: got something else`);
}

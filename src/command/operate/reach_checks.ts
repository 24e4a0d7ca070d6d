/**
 * What `kclite doctor` checks between this machine and AWS: addresses, the clock, credentials.
 *
 * @module
 */

import { type CallerIdentity, callerIdentity } from "../../aws/caller_identity.ts";
import { configuredEndpoint } from "../../aws/configured_endpoint.ts";
import type { CredentialsProvider } from "../../aws/credentials.ts";
import { endpointUrl } from "../../aws/endpoint.ts";
import { exchange } from "../../aws/http_exchange.ts";
import { AwsServiceError, errorText } from "../../errors.ts";
import { durationText } from "../../observe/format.ts";
import { type Check, CHECK_LIMIT_MS, checked, type Checking, notTried } from "../../operate/check/check.ts";
import type { System } from "../../system.ts";
import type { ProgramConfiguration } from "../configuration.ts";
import { credentialsOfProperty } from "../credentials_setup.ts";
import type { OperateContext } from "./operate_context.ts";

/** A service is where its address says, or not. */
export interface ReachChecks {
  readonly checks: readonly Check[];
  /** Services that did not answer, with the reason. */
  readonly silent: ReadonlyMap<string, string>;
}

/** Whether Kinesis and DynamoDB answer at all, and whether our clock agrees with theirs. */
export async function reachChecks(
  { options }: ProgramConfiguration,
  system: System,
  checking: Checking,
): Promise<ReachChecks> {
  const { region = "us-east-1", dynamoDBRegion = region } = options;
  const places = [
    { service: "kinesis", region, endpoint: options.kinesisEndpoint },
    { service: "dynamodb", region: dynamoDBRegion, endpoint: options.dynamoDBEndpoint },
  ];
  const silent = new Map<string, string>();
  const offsets: number[] = [];
  const checks = await Promise.all(places.map(async (place) => {
    const check = await checked(`endpoint of ${place.service}`, checking, async (signal) => {
      const url = endpointUrl(place);
      const startedMs = system.clock.epochMs();
      const request = { method: "GET", url, headers: {}, timeoutMs: CHECK_LIMIT_MS } as const;
      const answer = await exchange(system, request, signal);
      if (!answer.answered) {
        return { detail: `${url} cannot be reached: ${errorText(answer.cause)}`, mend: MEND_REACH };
      }
      const endedMs = system.clock.epochMs();
      // The header has whole seconds, so it is half a second early on average.
      const dateMs = Date.parse(answer.headers.get("date") ?? "") + 500;
      if (!Number.isNaN(dateMs)) offsets.push((startedMs + endedMs) / 2 - dateMs);
      return `${url} answers within ${durationText(endedMs - startedMs)}`;
    });
    if (check.status === "failed") silent.set(place.service, `${place.service} cannot be reached`);
    return check;
  }));
  return { checks: [...checks, await clockCheck(offsets, checking)], silent };
}

const MEND_REACH =
  "check region, endpoint, name server, proxy and firewall, and the route to AWS of a subnet";

/** Signatures are refused beyond this. Source: AWS General Reference, "Signature Version 4": five minutes. */
const MOST_SKEW_MS = 300_000;

async function clockCheck(offsets: readonly number[], checking: Checking): Promise<Check> {
  const [offset] = offsets.toSorted((a, b) => Math.abs(a) - Math.abs(b));
  if (offset === undefined) return notTried("clock", "no answer told the time");
  return await checked("clock", checking, () => {
    const off = Math.abs(offset);
    const detail = off < 1500
      ? "agrees with AWS's within a second"
      : `is ${durationText(off)} ${offset > 0 ? "ahead of" : "behind"} AWS's`;
    return off < MOST_SKEW_MS ? detail : {
      detail,
      mend: "set this machine's clock (NTP): AWS refuses what is signed more than five minutes off",
    };
  });
}

/** Keys, and whose they are. */
export interface CredentialsChecks {
  readonly checks: readonly Check[];
  readonly identity: CallerIdentity | undefined;
  /** Whether Kinesis can be called with them, and DynamoDB. */
  readonly hasKeys: ReadonlyMap<"kinesis" | "dynamodb", boolean>;
}

/** Looks for keys, and asks STS whose they are, which needs no permission. */
export async function credentialsChecks(
  configuration: ProgramConfiguration,
  context: OperateContext,
  checking: Checking,
): Promise<CredentialsChecks> {
  const { settings } = configuration;
  const main = await keysOf("credentials", "credentials", configuration, context, checking);
  const checks = [main.check];
  let identity: CallerIdentity | undefined;
  if (main.provider !== undefined) {
    const found = await identityCheck(main.provider, configuration, context, checking);
    identity = found.identity;
    checks.push(found.check);
  }
  let dynamodb = main;
  if (settings.dynamoDBCredentials !== undefined) {
    const name = "credentials of DynamoDB";
    dynamodb = await keysOf(name, "dynamoDBCredentials", configuration, context, checking);
    checks.push(dynamodb.check);
  }
  const hasKeys = new Map(
    [["kinesis", main.provider !== undefined], ["dynamodb", dynamodb.provider !== undefined]] as const,
  );
  return { checks, identity, hasKeys };
}

interface Keys {
  readonly check: Check;
  /** Undefined: there are none. */
  readonly provider: CredentialsProvider | undefined;
}

async function keysOf(
  name: string,
  which: "credentials" | "dynamoDBCredentials",
  { options: { region }, settings, places, endpointSettings }: ProgramConfiguration,
  context: OperateContext,
  checking: Checking,
): Promise<Keys> {
  let provider: CredentialsProvider | undefined;
  let source: string | undefined;
  const spec = settings[which] ?? "DefaultCredentialsProvider";
  const check = await checked(name, checking, async (signal) => {
    const made = credentialsOfProperty(spec, places.get(which), context, {
      region,
      endpointSettings,
      onEvent: (event) => {
        if (event.type === "credentialsRefreshed") source = event.source;
      },
    });
    const { accessKeyId, expiresEpochMs } = await made(signal);
    provider = made;
    const isOfEnvironment = context.host.env("AWS_ACCESS_KEY_ID") === accessKeyId;
    const from = source ?? (isOfEnvironment ? "the environment" : settings[which] ?? "a profile or property");
    const leftMs = expiresEpochMs === undefined ? undefined : expiresEpochMs - context.system.clock.epochMs();
    const left = leftMs === undefined ? "" : `, valid for ${durationText(Math.max(0, leftMs))}`;
    return `key ${accessKeyId} from ${from}${left}`;
  });
  return { check, provider };
}

async function identityCheck(
  credentials: CredentialsProvider,
  { options: { region = "us-east-1", kinesisEndpoint }, endpointSettings }: ProgramConfiguration,
  { system }: OperateContext,
  checking: Checking,
): Promise<{ readonly check: Check; readonly identity: CallerIdentity | undefined }> {
  const name = "identity";
  let identity: CallerIdentity | undefined;
  let untried: string | undefined;
  const check = await checked(name, checking, async (signal) => {
    const endpoint = configuredEndpoint("sts", region, endpointSettings)?.url;
    if (kinesisEndpoint !== undefined && endpoint === undefined) {
      return untried = "Kinesis has an endpoint of its own, and STS has none: AWS_ENDPOINT_URL_STS sets one";
    }
    try {
      identity = await callerIdentity({ region, endpoint, credentials, system }, signal);
    } catch (error) {
      if (signal.aborted || error instanceof AwsServiceError && error.status === undefined) {
        // A subnet may lead to Kinesis and DynamoDB alone.
        untried = "STS does not answer, which no worker needs";
      }
      throw error;
    }
    return identity.arn;
  });
  return { check: untried === undefined ? check : notTried(name, untried), identity };
}

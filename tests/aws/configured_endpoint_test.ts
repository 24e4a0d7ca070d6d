import { assertEquals, assertThrows } from "@std/assert";
import {
  configuredEndpoint,
  type EndpointSettings,
  workerEndpoints,
} from "../../src/aws/configured_endpoint.ts";
import { variantUrl } from "../../src/aws/endpoint.ts";
import variants from "../cases/endpoint_variants.json" with { type: "json" };

type Texts = Readonly<Record<string, string>>;

function settings(env: Texts, profile: Texts = {}): EndpointSettings {
  return {
    env: (name) => env[name],
    profile: (key, service) => profile[service === undefined ? key : `${service}.${key}`],
  };
}

Deno.test("variantUrl() names the hosts that AWS's SDKs name, for each partition", () => {
  for (const { region, fips, dualStack, comment, ...hosts } of variants.cases) {
    for (const [service, host] of Object.entries(hosts)) {
      assertEquals(variantUrl({ service, region }, { fips, dualStack }), `https://${host}/`, comment);
    }
  }
});

Deno.test("configuredEndpoint() goes by AWS's order", () => {
  // From the strongest to the weakest: each is taken away in turn.
  const order: readonly (readonly [keyof { env: 1; profile: 1 }, string, string])[] = [
    ["env", "AWS_ENDPOINT_URL_KINESIS", "AWS_ENDPOINT_URL_KINESIS"],
    ["env", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL"],
    ["profile", "kinesis.endpoint_url", "the profile's endpoint_url of kinesis"],
    ["profile", "endpoint_url", "the profile's endpoint_url"],
  ];
  order.forEach(([, , setting], from) => {
    const given = { env: {} as Record<string, string>, profile: {} as Record<string, string> };
    order.slice(from).forEach(([where, key], i) => given[where][key] = `http://n${from + i}.test`);
    assertEquals(configuredEndpoint("kinesis", "eu-west-1", settings(given.env, given.profile)), {
      url: `http://n${from}.test/`,
      setting,
    });
    const off = { ...given.env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "True" };
    assertEquals(configuredEndpoint("kinesis", "eu-west-1", settings(off, given.profile)), undefined);
    const offInProfile = { ...given.profile, ignore_configured_endpoint_urls: "true" };
    assertEquals(configuredEndpoint("kinesis", "eu-west-1", settings(given.env, offInProfile)), undefined);
  });
  assertEquals(configuredEndpoint("kinesis", "eu-west-1", settings({})), undefined);
  assertEquals(configuredEndpoint("kinesis", "eu-west-1", settings({ AWS_ENDPOINT_URL: " " })), undefined);
});

Deno.test("configuredEndpoint() gives each service its own, and no other's", () => {
  const given = settings({
    AWS_ENDPOINT_URL_DYNAMODB: "http://d.test",
    AWS_ENDPOINT_URL_STS: "http://s.test",
  });
  assertEquals(
    (["kinesis", "dynamodb", "sts"] as const).map((service) =>
      configuredEndpoint(service, "eu-west-1", given)?.url
    ),
    [undefined, "http://d.test/", "http://s.test/"],
  );
});

Deno.test("configuredEndpoint() goes by the flags for FIPS and for both stacks, in variables and in the profile", () => {
  const url = (env: Texts, profile: Texts = {}) =>
    configuredEndpoint("sts", "eu-west-1", settings(env, profile))?.url;
  assertEquals(url({ AWS_USE_FIPS_ENDPOINT: "true" }), "https://sts-fips.eu-west-1.amazonaws.com/");
  assertEquals(url({ AWS_USE_DUALSTACK_ENDPOINT: "TRUE" }), "https://sts.eu-west-1.api.aws/");
  assertEquals(
    url({}, { use_fips_endpoint: "true", use_dualstack_endpoint: "true" }),
    "https://sts-fips.eu-west-1.api.aws/",
  );
  assertEquals(url({ AWS_USE_FIPS_ENDPOINT: "false" }, { use_fips_endpoint: "true" }), undefined);
  assertThrows(
    () => url({ AWS_USE_FIPS_ENDPOINT: "yes geheim" }),
    TypeError,
    "AWS_USE_FIPS_ENDPOINT: expected true or false",
  );
});

Deno.test("configuredEndpoint() refuses an endpoint beside a flag that it may not meet, as AWS's SDKs do", () => {
  const both = { AWS_USE_FIPS_ENDPOINT: "true", AWS_ENDPOINT_URL: "http://127.0.0.1:1" };
  assertThrows(
    () => configuredEndpoint("kinesis", "eu-west-1", settings(both)),
    TypeError,
    "Cannot use AWS_USE_FIPS_ENDPOINT together with AWS_ENDPOINT_URL",
  );
  const ignored = settings({ ...both, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true" });
  assertEquals(
    configuredEndpoint("kinesis", "eu-west-1", ignored)?.url,
    "https://kinesis-fips.eu-west-1.amazonaws.com/",
  );
});

Deno.test("configuredEndpoint() names the setting that is no endpoint, and repeats no password", () => {
  for (const url of ["http://me:geheim@host", "http://me:geheim", "htp//me:geheim"]) {
    const error = assertThrows(
      () => configuredEndpoint("kinesis", "eu-west-1", settings({ AWS_ENDPOINT_URL: url })),
      TypeError,
      "Cannot use AWS_ENDPOINT_URL: ",
    );
    assertEquals(Deno.inspect(error).includes("geheim"), false, error.message);
  }
});

Deno.test("workerEndpoints() add only what the options leave open, and say by which setting", () => {
  const given = settings({ AWS_ENDPOINT_URL: "http://127.0.0.1:1" });
  assertEquals(workerEndpoints({ region: "eu-west-1", kinesisEndpoint: "http://mine.test" }, given), {
    endpoints: { dynamoDBEndpoint: "http://127.0.0.1:1/" },
    notes: ["dynamoDBEndpoint is http://127.0.0.1:1/: set by AWS_ENDPOINT_URL"],
  });
  assertEquals(
    workerEndpoints(
      { region: "eu-west-1", dynamoDBRegion: "us-east-1" },
      settings({ AWS_USE_FIPS_ENDPOINT: "true" }),
    )
      .endpoints,
    {
      kinesisEndpoint: "https://kinesis-fips.eu-west-1.amazonaws.com/",
      dynamoDBEndpoint: "https://dynamodb-fips.us-east-1.amazonaws.com/",
    },
  );
  const broken = settings({ AWS_ENDPOINT_URL: "nonsense" });
  const own = { region: "eu-west-1", kinesisEndpoint: "http://a.test", dynamoDBEndpoint: "http://b.test" };
  assertEquals(workerEndpoints(own, broken), { endpoints: {}, notes: [] });
});

Deno.test("workerEndpoints() give the streams of tables the endpoint that a setting names for them alone", () => {
  const region = "eu-west-1", all = "http://127.0.0.1:1", own = "http://127.0.0.1:2";
  const streams = (env: Texts, profile: Texts = {}) =>
    workerEndpoints({ region }, settings(env, profile)).endpoints.dynamoDBStreamsEndpoint;
  assertEquals([
    streams({ AWS_ENDPOINT_URL: all }),
    streams({ AWS_ENDPOINT_URL: all, AWS_ENDPOINT_URL_DYNAMODB_STREAMS: own }),
    streams({}, { "dynamodb_streams.endpoint_url": own, endpoint_url: all }),
    streams({ AWS_ENDPOINT_URL: all }, { "dynamodb_streams.endpoint_url": own }),
    streams({ AWS_ENDPOINT_URL_DYNAMODB_STREAMS: own, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true" }),
  ], [undefined, `${own}/`, `${own}/`, `${all}/`, undefined]);
  const env = { AWS_ENDPOINT_URL_DYNAMODB_STREAMS: own };
  const option = { region, dynamoDBStreamsEndpoint: "http://mine.test" };
  assertEquals(workerEndpoints(option, settings(env)), { endpoints: {}, notes: [] });
  const both = settings({ ...env, AWS_USE_FIPS_ENDPOINT: "true" });
  const given = { region, kinesisEndpoint: "http://a.test", dynamoDBEndpoint: "http://b.test" };
  assertThrows(
    () => workerEndpoints(given, both),
    TypeError,
    "together with AWS_ENDPOINT_URL_DYNAMODB_STREAMS",
  );
});

Deno.test("configuredEndpoint() knows the public addresses of DynamoDB Streams", () => {
  const of = (env: Texts) => configuredEndpoint("dynamodb_streams", "us-east-1", settings(env))?.url;
  assertEquals(
    [of({}), of({ AWS_USE_FIPS_ENDPOINT: "true" }), of({ AWS_USE_DUALSTACK_ENDPOINT: "true" })],
    [
      undefined,
      "https://streams.dynamodb-fips.us-east-1.amazonaws.com/",
      "https://streams-dynamodb.us-east-1.api.aws/",
    ],
  );
});

Deno.test("workerEndpoints() choose JSON where a setting switches CBOR off and the options say nothing", () => {
  const region = "eu-west-1";
  assertEquals(workerEndpoints({ region }, settings({ AWS_CBOR_DISABLE: "true" })), {
    endpoints: { wireFormat: "json" },
    notes: ["wireFormat is json: set by AWS_CBOR_DISABLE"],
  });
  const java = (name: string) => name === "aws.cborEnabled" ? "false" : undefined;
  assertEquals(workerEndpoints({ region }, settings({}), java).notes, [
    "wireFormat is json: set by aws.cborEnabled",
  ]);
  const chosen = workerEndpoints({ region, wireFormat: "cbor" }, settings({ CBOR_ENABLED: "false" }), java);
  assertEquals(chosen, { endpoints: {}, notes: [] });
});

Deno.test("configuredEndpoint() knows the services of dead letters, by their own settings", () => {
  const given = settings({
    AWS_ENDPOINT_URL_SQS: "http://q.test",
    AWS_ENDPOINT_URL_SNS: "http://t.test",
    AWS_ENDPOINT_URL_S3: "http://b.test",
  });
  const services = ["sqs", "sns", "s3"] as const;
  assertEquals(services.map((service) => configuredEndpoint(service, "eu-west-1", given)?.url), [
    "http://q.test/",
    "http://t.test/",
    "http://b.test/",
  ]);
  const variant = (env: Texts) =>
    services.map((service) => configuredEndpoint(service, "eu-west-1", settings(env))?.url);
  assertEquals(variant({ AWS_USE_FIPS_ENDPOINT: "true" }), [
    "https://sqs-fips.eu-west-1.amazonaws.com/",
    "https://sns-fips.eu-west-1.amazonaws.com/",
    "https://s3-fips.eu-west-1.amazonaws.com/",
  ]);
  assertEquals(variant({ AWS_USE_FIPS_ENDPOINT: "true", AWS_USE_DUALSTACK_ENDPOINT: "true" }), [
    "https://sqs-fips.eu-west-1.api.aws/",
    "https://sns-fips.eu-west-1.api.aws/",
    "https://s3-fips.dualstack.eu-west-1.amazonaws.com/",
  ]);
});

Deno.test("configuredEndpoint() finds CloudWatch by its name in settings, whose host is called monitoring", () => {
  const found = (env: Texts, profile: Texts = {}) =>
    configuredEndpoint("cloudwatch", "eu-west-1", settings(env, profile))?.url;
  assertEquals(found({ AWS_ENDPOINT_URL_CLOUDWATCH: "http://c.test" }), "http://c.test/");
  assertEquals(found({ AWS_ENDPOINT_URL: "http://all.test" }), "http://all.test/");
  assertEquals(found({}, { "cloudwatch.endpoint_url": "http://p.test" }), "http://p.test/");
  const fips = { AWS_USE_FIPS_ENDPOINT: "true" }, dual = { AWS_USE_DUALSTACK_ENDPOINT: "true" };
  assertEquals(found(fips), "https://monitoring-fips.eu-west-1.amazonaws.com/");
  assertEquals(found(dual), "https://monitoring.eu-west-1.api.aws/");
  assertEquals(found({ ...fips, ...dual }), "https://monitoring-fips.eu-west-1.api.aws/");
});

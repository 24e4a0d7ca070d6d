/** A properties file with a module beside it, and what requests a command makes on a bed. */

import { OperateBed } from "../support/operate_bed.ts";

/** What every file says. */
export const PROPERTIES: readonly string[] = [
  "applicationName = app",
  "streamName = words",
  "regionName = eu-central-1",
  "executableName = processor.ts",
];

/** Runs a command on a file of these lines, in a folder of its own. */
export async function withFile<T>(
  lines: readonly string[],
  work: (file: string) => Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/app.properties`, `${lines.join("\n")}\n`);
    await Deno.writeTextFile(`${folder}/processor.ts`, "throw new Error('was loaded');\n");
    return await work(`${folder}/app.properties`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A request, as AWS would see it. */
export interface SeenRequest {
  readonly operation: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Keeps the requests of a bed. @param answer In the emulator's place. */
export function watched(
  bed: OperateBed,
  answer: (seen: SeenRequest, request: Request) => Response | undefined | Promise<Response | undefined> =
    () => undefined,
): SeenRequest[] {
  const all: SeenRequest[] = [];
  bed.onRequest = async (request) => {
    const { method, url, headers } = request;
    const target = headers.get("x-amz-target");
    const isSts = new URL(url).hostname.startsWith("sts.");
    const operation = isSts ? "GetCallerIdentity" : target?.split(".")[1] ?? method;
    const body = target === null ? {} : await request.clone().json();
    const seen = { operation, body };
    all.push(seen);
    return await answer(seen, request);
  };
  return all;
}

/** What AWS answers where IAM refuses. */
export function refused(operation: string): Response {
  return Response.json({ __type: "AccessDeniedException", message: `not authorized to ${operation}` }, {
    status: 400,
  });
}

/** Everything that a command could have changed. */
export async function stateOf(bed: OperateBed, tableName = "app"): Promise<unknown> {
  const { dynamodb, kinesis, streams } = bed.fleet;
  const table = await dynamodb.describeTable(tableName);
  const items = table === undefined ? [] : await dynamodb.scan(tableName);
  const shown = await Promise.all(streams.map(async (stream) => [
    await kinesis.describeStreamSummary(stream),
    (await kinesis.listShards(stream)).map(({ shardId }) =>
      bed.aws.stream(stream.streamName).records(shardId)
    ),
  ]));
  return structuredClone({ table, items, shown });
}

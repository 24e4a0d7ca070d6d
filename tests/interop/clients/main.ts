/**
 * AWS's own clients on the emulator: `deno task interop:clients`. Installs boto3 into a virtual environment and AWS's clients for
 * JavaScript into a folder, both temporary, and has each make the same list of calls. Each answer is as AWS's, or says clearly that
 * the call is not simulated, or is wrong. Ends with a line of figures, and with 1 when an answer was wrong.
 *
 * A client that this machine cannot have is skipped, and the reason is said. `--smoke` installs nothing, and makes the calls by bare
 * requests.
 *
 * @module
 */

import { simulatedAws } from "../../../src/testing/mod.ts";
import { canRun } from "../../support/command.ts";
import { bareClient, type Client, startAwsSdk, startBoto3, VERSIONS } from "./client_process.ts";
import { cloudwatchCalls, dynamodbCalls } from "./dynamodb_calls.ts";
import { filledInput, judge, type ListedCall, type Verdict } from "./judge.ts";
import { kinesisCalls } from "./kinesis_calls.ts";

/** How many answers were of each kind. */
export type Figures = Record<Verdict["type"], number>;

/** What tells of the run. */
export interface RunOptions {
  readonly print: (line: string) => void;
  /** What the emulator has said to whoever watches, in order. */
  readonly notices: readonly string[];
}

/** Has a client make all calls of the list, each once. */
export async function runCalls(client: Client, { print, notices }: RunOptions): Promise<Figures> {
  const name = client.name.replaceAll(/\W+/g, "-");
  const calls = [...kinesisCalls(name), ...dynamodbCalls(name), ...cloudwatchCalls(name)]
    .filter(({ only }) => only === undefined || only === client.name);
  const answers = new Map<string, unknown>();
  const figures: Figures = { "as AWS": 0, "not simulated": 0, "wrong": 0 };
  for (const call of calls) {
    const before = notices.length;
    const verdict = await verdictOf(client, call, answers, () => notices.length > before);
    figures[verdict.type]++;
    if (verdict.type !== "as AWS") {
      print(`${verdict.type.padEnd(13)} ${client.name}: ${call.service} ${call.operation} ${verdict.why}`);
    }
  }
  return figures;
}

async function verdictOf(
  client: Client,
  call: ListedCall,
  answers: Map<string, unknown>,
  isTold: () => boolean,
): Promise<Verdict> {
  let input: unknown;
  try {
    input = filledInput(call.input, answers);
  } catch (error) {
    return { type: "wrong", why: error instanceof Error ? error.message : `${error}` };
  }
  const answer = await client.call({ ...call, input: input as ListedCall["input"] });
  if (call.as !== undefined && "output" in answer) answers.set(call.as, answer.output);
  return judge(call, answer, isTold());
}

async function main(isSmoke: boolean): Promise<boolean> {
  const notices: string[] = [];
  const aws = simulatedAws({
    changeMs: 0,
    isReadLimited: false,
    onNotice: (text) => void notices.push(text),
  });
  const server = Deno.serve(
    {
      hostname: "127.0.0.1",
      port: 0,
      onListen: () => {},
      onError: () => new Response(null, { status: 500 }),
    },
    aws.fetch,
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  const sum: Figures = { "as AWS": 0, "not simulated": 0, "wrong": 0 };
  let ran = 0;
  const run = async (start: () => Promise<Client | string>, what: string) => {
    const started = await start();
    if (typeof started === "string") return console.log(`${what} is skipped: ${started}`);
    await using client = started;
    const figures = await runCalls(client, { print: (line) => console.log(line), notices });
    ran++;
    for (const type of ["as AWS", "not simulated", "wrong"] as const) sum[type] += figures[type];
    console.log(`${what}: ${figuresText(figures)}`);
  };
  if (isSmoke) await run(() => Promise.resolve(bareClient(aws.fetch)), "bare requests");
  else {
    await run(() => startBoto3(url), `boto3 ${VERSIONS.boto3}`);
    const isThere = await canRun("node") && await canRun("npm");
    const missing = "node and npm are not both on PATH";
    await run(async () => isThere ? await startAwsSdk(url) : missing, `AWS SDK for JavaScript`);
  }
  for (const notice of notices) console.log(`the emulator said: ${notice}`);
  aws.close();
  await server.shutdown();
  if (ran === 0) console.log("interop:clients is skipped: there is no client");
  else console.log(`all together: ${figuresText(sum)}`);
  return sum.wrong === 0;
}

function figuresText(figures: Figures): string {
  const fine = figures["as AWS"] + figures["not simulated"];
  return `${fine} of ${fine + figures.wrong} calls are fine: ${figures["as AWS"]} answered as by AWS, ` +
    `${figures["not simulated"]} clearly not simulated, ${figures.wrong} wrong`;
}

if (import.meta.main) Deno.exit(await main(Deno.args.includes("--smoke")) ? 0 : 1);

/**
 * A Kinesis over HTTP that answers as a test scripts it, streams included. For what no emulator does: the end
 * of a shard in a subscription, broken connections, and CBOR.
 *
 * @module
 */

/** A request, taken apart. */
export interface FakeRequest {
  readonly operation: string;
  /** The JSON body; undefined for other content types. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly body: Uint8Array;
  readonly headers: Headers;
}

/** What a stream does next: sends bytes, stays open without a word, or breaks. */
export type StreamStep = Uint8Array<ArrayBuffer> | "hang" | "disconnect";

/** An answer: JSON unless the body is bytes, or a stream, which ends after its steps. */
export type FakeAnswer =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  | { readonly stream: Iterable<StreamStep> };

/** Answers one operation. */
export type FakeHandler = (request: FakeRequest) => FakeAnswer | Promise<FakeAnswer>;

/**
 * See the module. Disposing it waits until its connections are closed, so that a client that forgets one is
 * found out.
 */
export interface FakeKinesis extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly FakeRequest[];
  /** How many streams are open. */
  openStreams(): number;
  /** How many steps streams have taken. */
  steps(): number;
}

/** Starts a server on a free loopback port. Operations without a handler are refused. */
export function startFakeKinesis(handlers: Readonly<Record<string, FakeHandler>>): FakeKinesis {
  const requests: FakeRequest[] = [];
  let openStreams = 0, steps = 0;

  function streamOf(source: Iterable<StreamStep>): ReadableStream<Uint8Array> {
    const rest = source[Symbol.iterator]();
    openStreams++;
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        const { value, done } = rest.next();
        if (!done) steps++;
        if (value === "hang") return new Promise(() => {}); // until the client goes
        if (!done && value !== "disconnect") return controller.enqueue(value);
        openStreams--;
        if (done) controller.close();
        else controller.error(new Error("disconnected by the test"));
      },
      cancel() {
        openStreams--;
      },
    }, { highWaterMark: 0 });
  }

  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
    onError: () => new Response(null, { status: 500 }),
  }, async (request) => {
    const body = new Uint8Array(await request.arrayBuffer());
    const operation = request.headers.get("x-amz-target")?.split(".")[1] ?? "";
    const isJson = request.headers.get("content-type") === "application/x-amz-json-1.1";
    const input = isJson ? JSON.parse(new TextDecoder().decode(body)) : {};
    const taken = { operation, input, body, headers: request.headers };
    requests.push(taken);
    if (!request.headers.get("authorization")?.startsWith("AWS4-HMAC-SHA256 ")) {
      return respond({ status: 400, body: { __type: "MissingAuthenticationTokenException" } });
    }
    const handler = handlers[operation];
    if (handler === undefined) return respond({ status: 400, body: { __type: "UnknownOperationException" } });
    const answer = await handler(taken);
    if ("stream" in answer) {
      return new Response(streamOf(answer.stream), {
        headers: { "content-type": "application/vnd.amazon.eventstream", "x-amzn-requestid": "r-1" },
      });
    }
    return respond(answer);
  });

  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    requests,
    openStreams: () => openStreams,
    steps: () => steps,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function respond(answer: Exclude<FakeAnswer, { readonly stream: unknown }>): Response {
  const { status = 200, headers = {}, body = {} } = answer;
  const bytes = body instanceof Uint8Array
    ? body as Uint8Array<ArrayBuffer>
    : new TextEncoder().encode(JSON.stringify(body));
  return new Response(bytes, {
    status,
    headers: { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "r-1", ...headers },
  });
}

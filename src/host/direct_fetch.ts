/**
 * A `fetch` for addresses of this machine: it never uses a proxy. The runtime's own does, if HTTP_PROXY is
 * set and NO_PROXY does not name the address. Then the token for a container's agent would go through the
 * proxy.
 *
 * Small on purpose: no redirects, no compression, answers of at most 1 MiB. Node's modules are loaded by the
 * first call.
 *
 * @module
 */

/** An agent's answer is some kilobytes. */
const MAX_ANSWER_BYTES = 1_048_576;

/** Sends the request to the address itself. Takes a URL, method, headers, a text for a body, and a signal. */
export const directFetch: typeof globalThis.fetch = async (input, init = {}) => {
  const url = new URL(input instanceof Request ? input.url : input);
  const { signal, method = "GET", body } = init;
  if (body !== undefined && body !== null && typeof body !== "string") {
    throw new TypeError("Cannot send directly: expected a text for a body");
  }
  signal?.throwIfAborted();
  const http = url.protocol === "https:" ? await import("node:https") : await import("node:http");
  // Its own agent: the common one may have learned of proxies from NODE_USE_ENV_PROXY. An empty proxyEnv
  // names none.
  const agentOptions = { keepAlive: false, proxyEnv: {} };
  const agent = new http.Agent(agentOptions);
  return await new Promise<Response>((resolve, reject) => {
    const headers = Object.fromEntries(new Headers(init.headers));
    const request = http.request(url, { method, headers, agent }, (answer) => {
      const chunks: Uint8Array<ArrayBuffer>[] = [];
      let size = 0;
      answer.on("data", (chunk: Uint8Array<ArrayBuffer>) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) {
          request.destroy(new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`));
        } else chunks.push(chunk);
      });
      answer.on("error", fail);
      answer.on("end", () => {
        settle();
        resolve(responseOf(answer, chunks));
      });
    });
    const stop = () => request.destroy(signal?.reason);
    const settle = () => signal?.removeEventListener("abort", stop);
    const fail = (error: unknown) => {
      settle();
      reject(signal?.aborted ? signal.reason : error);
    };
    signal?.addEventListener("abort", stop, { once: true });
    request.on("error", fail);
    request.end(body ?? undefined);
  });
};

/** What of Node's answer is used. */
interface NodeAnswer {
  readonly statusCode?: number | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

function responseOf(
  { statusCode = 0, headers }: NodeAnswer,
  chunks: readonly Uint8Array<ArrayBuffer>[],
): Response {
  const pairs = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, typeof value === "string" ? value : value.join(", ")]]
  );
  const hasNoBody = statusCode === 204 || statusCode === 205 || statusCode === 304;
  return new Response(hasNoBody ? null : new Blob([...chunks]), { status: statusCode, headers: pairs });
}

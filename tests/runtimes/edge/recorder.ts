/**
 * Where the Workers of the proof send what they were given, over loopback HTTP; and what can be said of it.
 *
 * @module
 */

/** A batch that a processor was given. */
export interface RecordedBatch {
  readonly applicationName: string;
  readonly shardId: string;
  readonly texts: readonly string[];
}

/** A slice's result, with failures as texts. */
export interface RecordedSlice {
  readonly outcome: string;
  readonly nextInMs: number;
  readonly requests: number;
  readonly shards: readonly { readonly shardId: string; readonly state: string; readonly records: number }[];
  readonly failures: readonly string[];
}

/** Takes batches and slices. Delays an answer, or never gives one, where the test wants it. */
export class Recorder implements AsyncDisposable {
  readonly batches: RecordedBatch[] = [];
  readonly #slices = new Map<string, RecordedSlice[]>();
  readonly #held = new Map<string, (batch: RecordedBatch) => void>();
  readonly #delays = new Map<string, number>();
  readonly #released = Promise.withResolvers<void>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#take(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  slicesOf(applicationName: string): readonly RecordedSlice[] {
    return this.#slices.get(applicationName) ?? [];
  }

  /** What an application's processors were given, in order. */
  batchesOf(applicationName: string): readonly RecordedBatch[] {
    return this.batches.filter((batch) => batch.applicationName === applicationName);
  }

  /** Each batch of the application takes so long, in ms. */
  delay(applicationName: string, ms: number): void {
    this.#delays.set(applicationName, ms);
  }

  /** The next batch of the application, which is not answered before {@linkcode release}. */
  holdNext(applicationName: string): Promise<RecordedBatch> {
    const { promise, resolve } = Promise.withResolvers<RecordedBatch>();
    this.#held.set(applicationName, resolve);
    return promise;
  }

  /** Answers what is held: to nobody, when its sender was killed. */
  release(): void {
    this.#released.resolve();
  }

  async #take(request: Request): Promise<Response> {
    const said = await request.json();
    const { applicationName } = said;
    if (said.slice !== undefined) {
      this.#slices.set(applicationName, [...this.slicesOf(applicationName), said.slice]);
      return new Response("ok");
    }
    this.batches.push(said);
    const held = this.#held.get(applicationName);
    if (held !== undefined) {
      this.#held.delete(applicationName);
      held(said);
      await this.#released.promise;
    }
    const delayMs = this.#delays.get(applicationName) ?? 0;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    return new Response("ok");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await this.#server.shutdown();
  }
}

/** Texts that were put and never delivered. */
export function lost(put: readonly string[], batches: readonly RecordedBatch[]): string[] {
  const seen = new Set(batches.flatMap(({ texts }) => texts));
  return put.filter((text) => !seen.has(text));
}

/** Texts that came more than once. */
export function repeated(batches: readonly RecordedBatch[]): string[] {
  const seen = new Set<string>();
  return batches.flatMap(({ texts }) => texts).filter((text) => {
    const isSeen = seen.has(text);
    seen.add(text);
    return isSeen;
  });
}

/** What may come again after a kill: the last batch of each shard before it. */
export function lastOfEachShard(batches: readonly RecordedBatch[]): ReadonlySet<string> {
  const last = new Map(batches.map(({ shardId, texts }) => [shardId, texts]));
  return new Set([...last.values()].flat());
}

/** Texts `key/number` that came before a lower number of their key. Repetitions do not count. */
export function outOfOrder(batches: readonly RecordedBatch[]): string[] {
  const highest = new Map<string, number>();
  const seen = new Set<string>();
  return batches.flatMap(({ texts }) => texts).filter((text) => {
    const [key = "", number = ""] = text.split("/");
    const isLate = !seen.has(text) && Number(number) < (highest.get(key) ?? -1);
    seen.add(text);
    highest.set(key, Math.max(Number(number), highest.get(key) ?? -1));
    return isLate;
  });
}

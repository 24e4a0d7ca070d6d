/**
 * The schemas of a registry, each asked for once: many records wait for one call, what was found is kept, and
 * so is for a minute that there is none.
 *
 * @module
 */

import { SharedTask } from "../async/shared_task.ts";
import { errorText } from "../errors.ts";
import { RecentMap } from "../recent_map.ts";
import type { Clock } from "../system.ts";

/** Source: aws-glue-schema-registry, `GlueSchemaRegistryConfiguration`: 200 entries; a miss for a minute. */
const MOST_SCHEMAS = 200, MISSING_MS = 60_000;

/** There is no such schema, or it is of no known format. Any other error of a registry may be over later. */
export class UnusableSchemaError extends Error {
  override readonly name = "UnusableSchemaError";
}

/** The registry does not answer, or refuses: the record is tried again. */
export class SchemaRegistryError extends Error {
  override readonly name = "SchemaRegistryError";
  /** Whether the same record may be read later. */
  readonly retryable = true;
}

/** See the module. `T` is what is made of a schema. */
export class SchemaCache<T> {
  readonly #load: (id: string, signal: AbortSignal) => Promise<T>;
  readonly #clock: Clock;
  readonly #known = new RecentMap<string, T>(MOST_SCHEMAS);
  readonly #missing = new RecentMap<string, { readonly error: unknown; readonly atMs: number }>(MOST_SCHEMAS);
  readonly #underWay = new Map<string, SharedTask<T>>();

  /** @param load Throws a {@linkcode UnusableSchemaError} when there is none. */
  constructor(load: (id: string, signal: AbortSignal) => Promise<T>, clock: Clock) {
    this.#load = load;
    this.#clock = clock;
  }

  /** Undefined: it must be asked for. */
  known(id: string): T | undefined {
    return this.#known.get(id);
  }

  /**
   * Asks for a schema, unless others do already.
   *
   * @throws {UnusableSchemaError} when there is none; {@linkcode SchemaRegistryError} for anything else.
   */
  async get(id: string, signal: AbortSignal): Promise<T> {
    const missing = this.#missing.get(id);
    if (missing !== undefined && this.#clock.monotonicMs() - missing.atMs < MISSING_MS) throw missing.error;
    const task = this.#underWay.get(id) ?? new SharedTask((abandoned) => this.#ask(id, abandoned));
    this.#underWay.set(id, task);
    return await task.join(signal);
  }

  async #ask(id: string, signal: AbortSignal): Promise<T> {
    try {
      const schema = await this.#load(id, signal);
      this.#known.set(id, schema);
      return schema;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof UnusableSchemaError)) {
        throw new SchemaRegistryError(`Cannot read schema ${id}: ${errorText(error)}`, { cause: error });
      }
      this.#missing.set(id, { error, atMs: this.#clock.monotonicMs() });
      throw error;
    } finally {
      this.#underWay.delete(id);
    }
  }
}

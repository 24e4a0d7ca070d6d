/**
 * Schemas of a registry of Confluent, by their number.
 *
 * Source: Confluent's documentation, "Schema Registry API", `GET /schemas/ids/{int: id}`.
 *
 * @module
 */

import { withinTime } from "../async/waiting.ts";
import { backoffMs } from "../aws/retry.ts";
import type { System } from "../system.ts";
import { UnusableSchemaError } from "./schema_cache.ts";

/** A schema. */
export interface ConfluentSchema {
  readonly schema: string;
  /** Registries leave it out of Avro. */
  readonly schemaType: string;
}

const ATTEMPTS = 3, ATTEMPT_MS = 5000, PAUSE = { baseMs: 100, maxMs: 1000 };

/** Asks a registry. @throws {UnusableSchemaError} when it has no such schema. */
export function confluentSchemas(
  base: URL,
  headers: Readonly<Record<string, string>>,
  { clock, random, fetch: send }: System,
): (id: string, signal: AbortSignal) => Promise<ConfluentSchema> {
  const ask = async (id: string, signal: AbortSignal): Promise<ConfluentSchema | number> => {
    const folder = base.href.endsWith("/") ? base.href : `${base.href}/`;
    const url = new URL(`schemas/ids/${id}`, folder);
    const accept = "application/vnd.schemaregistry.v1+json, application/json";
    const answer = await send(url, { headers: { accept, ...headers }, signal });
    const body = await answer.text();
    return answer.ok ? schemaOf(body) : answer.status;
  };
  return async (id, signal) => {
    for (let attempt = 1;; attempt++) {
      let problem: unknown;
      try {
        const answer = await withinTime({ clock, ms: ATTEMPT_MS, signal }, (limited) => ask(id, limited));
        if (typeof answer !== "number") return answer;
        if (answer === 404) throw new UnusableSchemaError(`there is no schema ${id}`);
        problem = new Error(`the registry answers with status ${answer}`);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof UnusableSchemaError) throw error;
        problem = error;
      }
      if (attempt === ATTEMPTS) throw problem;
      await clock.sleep(backoffMs({ ...PAUSE, attempt, chance: (1 + random()) / 2 }), signal);
    }
  };
}

/** @throws {SyntaxError} when it is no schema. */
function schemaOf(body: string): ConfluentSchema {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new SyntaxError("expected a schema as JSON");
  }
  if (
    typeof value !== "object" || value === null || !("schema" in value) || typeof value.schema !== "string"
  ) {
    throw new SyntaxError("expected a field schema");
  }
  const schemaType = "schemaType" in value ? value.schemaType : "AVRO";
  if (typeof schemaType !== "string") throw new SyntaxError("expected schemaType to be a text");
  return { schema: value.schema, schemaType };
}

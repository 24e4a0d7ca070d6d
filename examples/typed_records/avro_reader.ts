/**
 * Reads Avro without making code at run time, which workerd forbids: `glue({ avro: avroReader, … })`. A logical type comes
 * as the type beneath it, a union as the bare value, and a long beyond 2^53 as a bigint.
 *
 * @module
 */

import { blocks, bytes, known, long, PRIMITIVES, type Read, text } from "./avro_bytes.ts";

/** Makes the reader of one schema. */
export function avroReader(schema: string): (payload: Uint8Array) => unknown {
  const read = readerOf(JSON.parse(schema), "", new Map());
  return (payload) => read({ view: new DataView(payload.buffer, payload.byteOffset, payload.length), at: 0 });
}

/**
 * @param space The namespace around it.
 * @param named The types that were named so far. A type may use itself.
 */
// deno-lint-ignore no-explicit-any -- a schema is JSON of many shapes
function readerOf(schema: any, space: string, named: Map<string, Read>): Read {
  const { name = "", namespace = space, type = schema } = schema;
  const full = (short: string) => short.includes(".") || namespace === "" ? short : `${namespace}.${short}`;
  const inner = full(name).includes(".") ? full(name).slice(0, full(name).lastIndexOf(".")) : namespace;
  const inside = (part: unknown) => readerOf(part, inner, named);
  const define = (read: Read) => {
    named.set(full(name), read);
    return read;
  };
  if (Array.isArray(type)) {
    const branches = type.map(inside);
    return (from) => known(branches[Number(long(from))])(from);
  }
  switch (type) {
    case "record":
    case "error": {
      const fields: (readonly [string, Read])[] = [];
      const read = define((from) => Object.fromEntries(fields.map(([field, part]) => [field, part(from)])));
      for (const field of schema.fields) fields.push([field.name, inside(field.type)]);
      return read;
    }
    case "enum":
      return define((from) => known(schema.symbols[Number(long(from))]));
    case "fixed":
      return define((from) => bytes(from, schema.size));
    case "array": {
      const item = inside(schema.items);
      return (from) => blocks(from, item);
    }
    case "map": {
      const value = inside(schema.values);
      return (from) => Object.fromEntries(blocks(from, (source) => [text(source), value(source)] as const));
    }
  }
  return typeof type === "object"
    ? inside(type)
    : PRIMITIVES.get(type) ?? ((from) => known(named.get(full(type)))(from));
}

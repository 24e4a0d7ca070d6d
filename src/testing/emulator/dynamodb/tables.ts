/**
 * The tables of the emulator: keys, indexes, items in memory, and the operations on a table as a whole.
 *
 * The items are not those of `shared_table.ts`. That file has the lease table alone, written by values; this
 * one has tables of any key, written by expressions.
 *
 * @module
 */

import { ownValue } from "../../../own_value.ts";
import type { AttributeValue, Item } from "../../../aws/dynamodb.ts";
import { ApiError, constraintError, invalid } from "../api_error.ts";
import { checkItemSize, itemBytes, typeOf } from "./attribute_values.ts";
import type { Input } from "../input.ts";
import { ACCOUNT_ID, Lifecycle, type Timeline } from "../operation.ts";
import {
  checkedName,
  definitionsOf,
  keyOf,
  type KeySchema,
  namesOf,
  type Throughput,
  throughputOf,
  wireKey,
  wireThroughput,
} from "./table_definition.ts";
import { Timestamp } from "../wire.ts";
import { TableStream, type TableStreamSettings, type ViewType } from "./table_stream.ts";

/** An index over all items that have its key. */
export interface TableIndex {
  readonly name: string;
  readonly key: KeySchema;
  /** Attributes beside the keys, or all. */
  readonly projection: "ALL" | readonly string[];
  readonly life: Lifecycle;
  readonly throughput: Throughput | undefined;
}

/** What the tables and their streams have in common. */
export interface TableSettings extends TableStreamSettings {
  readonly timeline: Timeline;
  readonly region: string;
  readonly changeMs: number;
}

const VIEW_TYPES: readonly ViewType[] = ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"];

/** One table. */
export class EmulatedTable {
  readonly name: string;
  readonly arn: string;
  readonly createdMs: number;
  readonly key: KeySchema;
  readonly life: Lifecycle;
  /** Types of key attributes, by name. */
  readonly types: Map<string, string>;
  readonly indexes: Map<string, TableIndex> = new Map();
  readonly tags: Map<string, string> = new Map();
  throughput: Throughput | undefined;
  isProtected = false;
  isRecoverable = false;
  /** Each stream that it has had, the newest last. */
  readonly streams: TableStream[] = [];
  readonly #settings: TableSettings;
  readonly #items = new Map<string, Item>();

  /** @param input As CreateTable has it. */
  constructor(input: Input, settings: TableSettings) {
    const { timeline, region, changeMs } = this.#settings = settings;
    this.name = checkedName(input.requiredText("TableName"));
    this.arn = `arn:aws:dynamodb:${region}:${ACCOUNT_ID}:table/${this.name}`;
    this.createdMs = timeline.epochMs;
    this.types = new Map(definitionsOf(input));
    this.key = keyOf(input);
    this.#checkTypes(this.key);
    this.life = new Lifecycle(timeline, changeMs, false);
    this.throughput = throughputOf(input, "PROVISIONED");
    this.isProtected = input.boolean("DeletionProtectionEnabled") ?? false;
    for (const index of input.maps("GlobalSecondaryIndexes")) this.addIndex(index, true);
    const used = new Set([this.key, ...[...this.indexes.values()].map(({ key }) => key)].flatMap(namesOf));
    if (used.size !== this.types.size) {
      throw invalid(
        "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
      );
    }
    for (const tag of input.maps("Tags")) this.tags.set(tag.requiredText("Key"), tag.text("Value") ?? "");
    this.changeStream(input);
  }

  /** The stream that takes changes; undefined when none does. */
  get stream(): TableStream | undefined {
    const latest = this.streams.at(-1);
    return latest?.status === "DISABLED" ? undefined : latest;
  }

  /** @param input As CreateTable and UpdateTable have it. */
  changeStream(input: Input): void {
    const wanted = input.map("StreamSpecification");
    if (wanted === undefined) return;
    if (wanted.boolean("StreamEnabled") !== true) {
      if (wanted.has("StreamViewType")) {
        throw invalid("One or more parameter values were invalid: Table is not being created with a stream");
      }
      this.stream?.disable();
      return;
    }
    const viewType = VIEW_TYPES.find((type) => type === wanted.requiredText("StreamViewType"));
    if (viewType === undefined) {
      throw constraintError(
        wanted.text("StreamViewType"),
        "streamSpecification.streamViewType",
        "Member must satisfy enum value set: [NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY]",
      );
    }
    if (this.stream !== undefined) {
      throw invalid(`Table already has an enabled stream: TableName: ${this.name}`);
    }
    const { name, arn } = this;
    this.streams.push(new TableStream({ name, arn, keySchema: wireKey(this.key) }, viewType, this.#settings));
  }

  /** All items, by nothing in particular. */
  items(): readonly Item[] {
    return [...this.#items.values()];
  }

  get(key: string): Item | undefined {
    return this.#items.get(key);
  }

  /**
   * The item itself. @throws {ApiError} when it does not fit the keys of the table and of its indexes, or is
   * too large.
   */
  checkedItem(item: Item): Item {
    this.#checkKey(this.key, item, undefined);
    for (const { key, name } of this.indexes.values()) this.#checkKey(key, item, name);
    checkItemSize(item);
    return item;
  }

  /** @param item A checked one. */
  put(item: Item): void {
    const key = this.keyText(item);
    const before = this.#items.get(key);
    this.#items.set(key, item);
    this.stream?.add({ keys: this.#keysOf(item), before, after: item, isExpiry: false });
  }

  /** @param isExpiry Whether the item's time to live is over. */
  delete(key: string, isExpiry = false): void {
    const before = this.#items.get(key);
    if (before === undefined) return;
    this.#items.delete(key);
    this.stream?.add({ keys: this.#keysOf(before), before, after: undefined, isExpiry });
  }

  #keysOf(item: Item): Item {
    return Object.fromEntries(
      namesOf(this.key).flatMap((name) => {
        const value = ownValue(item, name);
        return value === undefined ? [] : [[name, value] as const];
      }),
    );
  }

  /** The key of an item as one text. */
  keyText(item: Item): string {
    return JSON.stringify(namesOf(this.key).map((name) => ownValue(item, name)));
  }

  /** A key as a request gives it, and nothing else. @throws {ApiError}. */
  checkedKey(key: Item): Item {
    const names = namesOf(this.key);
    const fits = Object.keys(key).length === names.length &&
      names.every((name) => isOfType(ownValue(key, name), this.types.get(name)));
    if (!fits) throw invalid("The provided key element does not match the schema");
    this.#checkKey(this.key, key, undefined);
    return key;
  }

  /**
   * @param input As CreateTable and UpdateTable have it.
   * @param isReady Whether it comes with the table, and needs no time of its own.
   */
  addIndex(input: Input, isReady: boolean): void {
    const name = input.requiredText("IndexName");
    if (this.indexes.has(name)) throw invalid(`Attempting to create an index which already exists: ${name}`);
    const key = keyOf(input);
    this.#checkTypes(key);
    const projection = input.map("Projection");
    const type = projection?.text("ProjectionType") ?? "ALL";
    const { timeline, changeMs } = this.#settings;
    this.indexes.set(name, {
      name,
      key,
      projection: type === "ALL" ? type : projection?.texts("NonKeyAttributes") ?? [],
      life: new Lifecycle(timeline, changeMs, isReady),
      throughput: throughputOf(input, this.throughput === undefined ? "PAY_PER_REQUEST" : "PROVISIONED"),
    });
  }

  /** As DescribeTable reports it. */
  description(): Readonly<Record<string, unknown>> {
    for (const [name, { life }] of this.indexes) if (life.isGone) this.indexes.delete(name);
    const indexes = [...this.indexes.values()];
    const sizes = this.items().reduce((sum, item) => sum + itemBytes(item), 0);
    return {
      TableName: this.name,
      TableArn: this.arn,
      TableStatus: this.life.status,
      CreationDateTime: new Timestamp(this.createdMs),
      KeySchema: wireKey(this.key),
      AttributeDefinitions: [...this.types].map(([AttributeName, AttributeType]) => ({
        AttributeName,
        AttributeType,
      })),
      ItemCount: this.#items.size,
      TableSizeBytes: Math.round(sizes),
      ProvisionedThroughput: wireThroughput(this.throughput),
      ...(this.throughput === undefined ? { BillingModeSummary: { BillingMode: "PAY_PER_REQUEST" } } : {}),
      DeletionProtectionEnabled: this.isProtected,
      ...this.#streamDescription(),
      ...(indexes.length === 0 ? {} : {
        GlobalSecondaryIndexes: indexes.map((index) => ({
          IndexName: index.name,
          IndexArn: `${this.arn}/index/${index.name}`,
          IndexStatus: this.life.status === "CREATING" ? "CREATING" : index.life.status,
          KeySchema: wireKey(index.key),
          Projection: index.projection === "ALL"
            ? { ProjectionType: "ALL" }
            : index.projection.length === 0
            ? { ProjectionType: "KEYS_ONLY" }
            : { ProjectionType: "INCLUDE", NonKeyAttributes: index.projection },
          ProvisionedThroughput: wireThroughput(index.throughput),
          ItemCount: this.items().filter((item) => isIn(index, item)).length,
        })),
      }),
    };
  }

  /** The last stream is named for as long as it can be read. */
  #streamDescription(): Readonly<Record<string, unknown>> {
    const latest = this.streams.findLast((stream) => !stream.isGone);
    if (latest === undefined) return {};
    return {
      ...(latest.status === "DISABLED"
        ? {}
        : { StreamSpecification: { StreamEnabled: true, StreamViewType: latest.viewType } }),
      LatestStreamArn: latest.arn,
      LatestStreamLabel: latest.label,
    };
  }

  /** @param indexName Of which index it is the key; an item need not have that. */
  #checkKey(key: KeySchema, item: Item, indexName: string | undefined): void {
    for (const name of namesOf(key)) {
      const value = ownValue(item, name), type = this.types.get(name);
      if (value === undefined && indexName !== undefined) continue;
      if (value === undefined) {
        throw invalid(`One or more parameter values were invalid: Missing the key ${name} in the item`);
      }
      const [actual] = Object.values(value);
      if (typeOf(value) !== type) {
        throw invalid(
          `One or more parameter values were invalid: Type mismatch for ${
            indexName === undefined ? `key ${name} expected` : `Index Key ${name} Expected`
          }: ${type} actual: ${typeOf(value)}${indexName === undefined ? "" : ` IndexName: ${indexName}`}`,
        );
      }
      if (actual === "") {
        throw invalid(
          "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty " +
            `string value. ${indexName === undefined ? "" : `IndexName: ${indexName}, Index`}Key: ${name}`,
        );
      }
    }
  }

  #checkTypes(key: KeySchema): void {
    const missing = namesOf(key).find((name) => !this.types.has(name));
    if (missing === undefined) return;
    throw invalid(
      "One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. " +
        `Keys: [${missing}], AttributeDefinitions: [${[...this.types.keys()].join(", ")}]`,
    );
  }
}

/** All tables. */
export class EmulatedTables {
  readonly settings: TableSettings;
  readonly #tables = new Map<string, EmulatedTable>();
  /** Of tables that were dropped. */
  #former: readonly TableStream[] = [];

  constructor(settings: TableSettings) {
    this.settings = settings;
  }

  /** The streams of all tables, also of dropped ones, as long as they can be read. */
  streams(): readonly TableStream[] {
    this.all();
    this.#former = this.#former.filter((stream) => !stream.isGone);
    const present = [...this.#tables.values()].flatMap(({ streams }) => streams);
    return [...present.filter((stream) => !stream.isGone), ...this.#former];
  }

  /** By name. */
  all(): readonly EmulatedTable[] {
    for (const [name, table] of this.#tables) {
      if (!table.life.isGone) continue;
      this.#drop(table);
      this.#tables.delete(name);
    }
    return [...this.#tables.values()].toSorted((a, b) => a.name < b.name ? -1 : 1);
  }

  find(name: string): EmulatedTable | undefined {
    const table = this.#tables.get(name);
    return table?.life.isGone ? undefined : table;
  }

  /** The table of a call on items. @throws {ApiError} also while it is being made. */
  usable(input: Input): EmulatedTable {
    return this.usableOf(nameIn(input));
  }

  /** The same by its name or ARN. */
  usableOf(name: string): EmulatedTable {
    const table = this.find(nameOf(name));
    const status = table?.life.status;
    if (table !== undefined && (status === "ACTIVE" || status === "UPDATING")) return table;
    throw new ApiError("ResourceNotFoundException", "Requested resource not found");
  }

  /** The table of a call on tables, in whatever state. @throws {ApiError}. */
  any(input: Input): EmulatedTable {
    const name = nameIn(input);
    const table = this.find(name);
    if (table !== undefined) return table;
    throw new ApiError("ResourceNotFoundException", `Requested resource not found: Table: ${name} not found`);
  }

  /**
   * @param isReady Whether it needs no time to be made.
   * @throws {ApiError} when there is one.
   */
  create(input: Input, isReady = false): EmulatedTable {
    const { timeline, region, changeMs, shards, shardLifeMs } = this.settings;
    const making = { timeline, region, changeMs: isReady ? 0 : changeMs, shards, shardLifeMs };
    const table = new EmulatedTable(input, making);
    if (this.find(table.name) !== undefined) {
      throw new ApiError("ResourceInUseException", `Table already exists: ${table.name}`);
    }
    const former = this.#tables.get(table.name);
    if (former !== undefined) this.#drop(former);
    this.#tables.set(table.name, table);
    return table;
  }

  #drop(table: EmulatedTable): void {
    table.stream?.disable();
    this.#former = [...this.#former, ...table.streams];
  }
}

/** Whether an index has an item. */
export function isIn(index: TableIndex, item: Item): boolean {
  return namesOf(index.key).every((name) => ownValue(item, name) !== undefined);
}

/** The name in `TableName` or `ResourceArn`, either of which may be an ARN. */
function nameIn(input: Input): string {
  const given = input.has("ResourceArn")
    ? input.requiredText("ResourceArn")
    : input.requiredText("TableName");
  return nameOf(given);
}

/** The name in an ARN, or the name as it is. */
function nameOf(given: string): string {
  return given.replace(/^arn:.*:table\//, "");
}

function isOfType(value: AttributeValue | undefined, type: string | undefined): boolean {
  return value !== undefined && typeOf(value) === type;
}

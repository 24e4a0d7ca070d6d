/**
 * One table of DynamoDB.
 *
 * @module
 */

import type { ConditionalOutcome, DynamoDB, Item } from "../aws/dynamodb.ts";
import {
  conditionExpressions,
  type ItemCondition,
  type ItemUpdate,
  updateExpressions,
} from "./item_write.ts";
import type { ItemTable } from "./item_table.ts";

/** {@linkcode ItemTable} on DynamoDB. */
export class DynamoDBTable implements ItemTable {
  readonly tableName: string;
  readonly keyName: string;
  readonly #dynamodb: DynamoDB;

  constructor(dynamodb: DynamoDB, tableName: string, keyName: string) {
    this.#dynamodb = dynamodb;
    this.tableName = tableName;
    this.keyName = keyName;
  }

  async exists(signal?: AbortSignal): Promise<boolean> {
    return await this.#dynamodb.describeTable(this.tableName, signal) !== undefined;
  }

  get(key: string, signal?: AbortSignal): Promise<Item | undefined> {
    return this.#dynamodb.getItem(this.tableName, this.#key(key), signal);
  }

  glance(key: string, signal?: AbortSignal): Promise<Item | undefined> {
    return this.#dynamodb.glanceAtItem(this.tableName, this.#key(key), signal);
  }

  scan(signal?: AbortSignal): Promise<readonly Item[]> {
    return this.#dynamodb.scan(this.tableName, 1, signal);
  }

  async scanFewer(limit: number, signal?: AbortSignal): Promise<readonly Item[] | undefined> {
    const part = { segment: 0, segments: 1, limit };
    const { items, lastKey, readUnits = 0 } = await this.#dynamodb.scanPage(this.tableName, part, signal);
    return lastKey === undefined && readUnits <= SMALL_READ_UNITS ? items : undefined;
  }

  put(item: Item, when: ItemCondition, signal?: AbortSignal): Promise<ConditionalOutcome> {
    return this.#dynamodb.putItem(this.tableName, item, conditionExpressions(when), signal);
  }

  update(
    key: string,
    update: ItemUpdate,
    when: ItemCondition,
    signal?: AbortSignal,
  ): Promise<ConditionalOutcome> {
    const { updateExpression, expressions } = updateExpressions(update, when);
    return this.#dynamodb.updateItem(this.tableName, this.#key(key), updateExpression, expressions, signal);
  }

  /** An update as a part of a transaction. */
  updatePart(
    key: string,
    { update, when }: { readonly update: ItemUpdate; readonly when: ItemCondition },
  ): Readonly<Record<string, unknown>> {
    const { updateExpression, expressions } = updateExpressions(update, when);
    return {
      TableName: this.tableName,
      Key: this.#key(key),
      UpdateExpression: updateExpression,
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      ...expressions,
    };
  }

  delete(key: string, when: ItemCondition, signal?: AbortSignal): Promise<ConditionalOutcome> {
    return this.#dynamodb.deleteItem(this.tableName, this.#key(key), conditionExpressions(when), signal);
  }

  #key(key: string): Item {
    return { [this.keyName]: { S: key } };
  }
}

/** What all items of a small table may cost: 8 KiB, eventually consistent. A look at the lock costs half. */
const SMALL_READ_UNITS = 1;

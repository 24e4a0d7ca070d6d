/**
 * The operations of DynamoDB that leasing needs, as an interface and as signed JSON calls. Knows nothing of leases.
 *
 * @module
 */

/** A DynamoDB attribute value in wire form. Bytes (`B`) are base64 text here. */
export type AttributeValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: string }
  | { readonly BOOL: boolean }
  | { readonly NULL: true }
  | { readonly SS: readonly string[] }
  | { readonly NS: readonly string[] }
  | { readonly BS: readonly string[] }
  | { readonly L: readonly AttributeValue[] }
  | { readonly M: Readonly<Record<string, AttributeValue>> };

/** An item of a table. */
export type Item = Readonly<Record<string, AttributeValue>>;

/** The parts of a condition or an update, in the names that the API gives them. */
export interface Expressions {
  readonly ConditionExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Readonly<Record<string, AttributeValue>>;
}

/** What DescribeTable tells that we use. */
export interface TableDescription {
  readonly tableName: string;
  readonly tableStatus: string;
  readonly keySchema: readonly { readonly attributeName: string; readonly keyType: "HASH" | "RANGE" }[];
  /** Index name to its status; an index without a status counts as ACTIVE. */
  readonly indexes: Readonly<Record<string, string>>;
  readonly billingMode: "PAY_PER_REQUEST" | "PROVISIONED";
  readonly provisionedThroughput: { readonly read: number; readonly write: number } | undefined;
  readonly tableSizeBytes: number | undefined;
}

/** A write that was conditional: applied, with the new item where asked for; or refused, with the old one where given. */
export type ConditionalOutcome =
  | { readonly applied: true; readonly item: Item | undefined }
  /** `item` is undefined where the server does not return it (emulators) or there is none. */
  | { readonly applied: false; readonly item: Item | undefined };

/** DynamoDB, as far as leasing needs it. Every method throws `AwsServiceError`, or the signal's reason. */
export interface DynamoDB {
  /** @returns undefined when there is no such table. */
  describeTable(tableName: string, signal?: AbortSignal): Promise<TableDescription | undefined>;
  /** @param input The body of CreateTable, as the API has it. @returns false when the table exists already. */
  createTable(input: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<boolean>;
  /** Any other table operation, e.g. UpdateTable or UpdateContinuousBackups, with its body as the API has it. */
  tableOperation(
    operation: "UpdateTable" | "UpdateContinuousBackups" | "DeleteTable",
    input: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Strongly consistent. */
  getItem(tableName: string, key: Item, signal?: AbortSignal): Promise<Item | undefined>;
  putItem(
    tableName: string,
    item: Item,
    expressions: Expressions,
    signal?: AbortSignal,
  ): Promise<ConditionalOutcome>;
  /** Returns the new item when applied (ALL_NEW) and asks for the old one when refused (ALL_OLD). */
  updateItem(
    tableName: string,
    key: Item,
    updateExpression: string,
    expressions: Expressions,
    signal?: AbortSignal,
  ): Promise<ConditionalOutcome>;
  deleteItem(
    tableName: string,
    key: Item,
    expressions: Expressions,
    signal?: AbortSignal,
  ): Promise<ConditionalOutcome>;
  /** All pages; eventually consistent. @param segments How many parallel segments; 1 = a plain scan. */
  scan(tableName: string, segments?: number, signal?: AbortSignal): Promise<readonly Item[]>;
  /** All pages; eventually consistent. */
  queryIndex(
    tableName: string,
    indexName: string,
    keyConditionExpression: string,
    expressions: Expressions,
    signal?: AbortSignal,
  ): Promise<readonly Item[]>;
}

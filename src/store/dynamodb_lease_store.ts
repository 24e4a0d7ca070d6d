/**
 * The lease table on DynamoDB. Any leader may assign a lease to a worker, so the worker queries an index for
 * its leases. If that index cannot be used (not there yet, or no permission), the whole table is scanned
 * instead.
 *
 * Source: KCL 3.5.1, `DynamoDBLeaseRefresher`.
 *
 * @module
 */

import type { DynamoDB, Item, TableDescription } from "../aws/dynamodb.ts";
import { refusedItem } from "../aws/dynamodb_answers.ts";
import { AwsServiceError, errorText, isAwsError, LeaseTableError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { Lease, NewLease } from "../lease/lease.ts";
import type {
  CompanionOutcome,
  CompanionWrites,
  LeaseStore,
  SmallTableListing,
  TableListing,
  WriteOutcome,
} from "../lease/lease_store.ts";
import type { LeaseWrite } from "../lease/lease_write.ts";
import type { System } from "../system.ts";
import { DynamoDBTable } from "./dynamodb_table.ts";
import { LEASE_KEY, leaseItemWrite } from "./lease_item.ts";
import { applyLeaseWrite, createLease, leaseOrUndefined, readLease } from "./lease_rows.ts";
import {
  addIndexInput,
  createTableInput,
  isUsable,
  keyProblem,
  type LeaseTableOptions,
  OWNER_INDEX,
  scanSegments,
  statusProblem,
} from "./lease_table.ts";
import { keysOwnedBy, listingOf, SMALL_TABLE_ITEMS, smallListingOf } from "./table_listing.ts";

/** Options of {@linkcode DynamoDBLeaseStore}; a worker's own options carry the same names. */
export interface DynamoDBLeaseStoreOptions extends LeaseTableOptions {
  readonly dynamodb: DynamoDB;
  /** Only its clock is used, to wait for the table. */
  readonly system: Pick<System, "clock">;
  /** Whether point-in-time recovery is switched on at every start. @default {false} */
  readonly leaseTablePitrEnabled?: boolean | undefined;
  /** Parallel segments of a scan; 0 = by the table's size. @default {0} */
  readonly leaseTableScanTotalSegments?: number | undefined;
  /** Receives `tableCreated`, and a `notice` when the index cannot be used and when it can again. */
  readonly onEvent?: WorkerEventListener | undefined;
}

/** {@linkcode LeaseStore} on DynamoDB. */
export class DynamoDBLeaseStore implements LeaseStore {
  readonly #options: DynamoDBLeaseStoreOptions;
  readonly #table: DynamoDBTable;
  #isIndexUsed = true;
  /** As `ensureTable()` saw it. */
  #found: TableDescription | undefined;
  #size: { readonly segments: number; readonly readMs: number } | undefined;

  constructor(options: DynamoDBLeaseStoreOptions) {
    this.#options = options;
    this.#table = new DynamoDBTable(options.dynamodb, options.tableName, LEASE_KEY);
  }

  /** @throws {Error} also when the table does not become usable within ten minutes. */
  async ensureTable(signal?: AbortSignal): Promise<{ readonly created: boolean }> {
    const { table, created } = await this.#usableTable(signal);
    this.#noteSize(table);
    this.#found = table;
    return { created };
  }

  async adoptTable(signal?: AbortSignal): Promise<void> {
    const { dynamodb, tableName, leaseTablePitrEnabled } = this.#options;
    if (leaseTablePitrEnabled) {
      await dynamodb.tableOperation("UpdateContinuousBackups", {
        TableName: tableName,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      }, signal);
    }
    const table = this.#found;
    if (table !== undefined && !(OWNER_INDEX in table.indexes)) await this.#addIndex(table, signal);
  }

  async someLease(signal?: AbortSignal): Promise<Lease | undefined> {
    const { dynamodb, tableName } = this.#options;
    // The table also holds the items of workers, and a few of the fleet.
    for await (const items of dynamodb.scanPages(tableName, SAMPLE_ITEMS, signal)) {
      const [lease] = listingOf(items).leases;
      if (lease !== undefined) return lease;
    }
    return undefined;
  }

  async list(signal?: AbortSignal): Promise<TableListing> {
    return listingOf(await this.#scan(signal));
  }

  async listSmall(signal?: AbortSignal): Promise<SmallTableListing | undefined> {
    const items = await this.#table.scanFewer(SMALL_TABLE_ITEMS, signal);
    return items === undefined ? undefined : smallListingOf(items);
  }

  get(leaseKey: string, signal?: AbortSignal): Promise<Lease | undefined> {
    return readLease(this.#table, leaseKey, signal);
  }

  async getAll(leaseKeys: readonly string[], signal?: AbortSignal): Promise<readonly Lease[]> {
    const { dynamodb, tableName } = this.#options;
    const keys = [...new Set(leaseKeys)].map((key) => ({ [LEASE_KEY]: { S: key } }));
    const items = await dynamodb.batchGetItems(tableName, keys, signal);
    return items.map(leaseOrUndefined).filter((lease) => lease !== undefined);
  }

  async leaseKeysOwnedBy(workerId: string, signal?: AbortSignal): Promise<readonly string[]> {
    try {
      const items = await this.#options.dynamodb.queryIndex(
        this.#options.tableName,
        OWNER_INDEX,
        "#leaseOwner = :leaseOwner",
        {
          ExpressionAttributeNames: { "#leaseOwner": "leaseOwner" },
          ExpressionAttributeValues: { ":leaseOwner": { S: workerId } },
        },
        signal,
      );
      this.#noteIndexUse(true);
      return keysOwnedBy(workerId, items);
    } catch (error) {
      // A missing index and an index that is still being filled are both ValidationException; a missing
      // permission is common too. Failures that may pass (throttling, network) are left to the next round: a
      // scan would only add to the load.
      if (!(error instanceof AwsServiceError) || error.retryable) throw error;
      const keys = keysOwnedBy(workerId, await this.#scan(signal));
      this.#noteIndexUse(false, error);
      return keys;
    }
  }

  create(lease: NewLease, signal?: AbortSignal): Promise<boolean> {
    return createLease(this.#table, lease, signal);
  }

  apply(write: LeaseWrite, signal?: AbortSignal): Promise<WriteOutcome> {
    return applyLeaseWrite(this.#table, write, signal);
  }

  get tableArn(): string | undefined {
    return this.#found?.tableArn;
  }

  /**
   * The lease's update is the first part, so that each reason of a companion has the index of its write + 1.
   */
  async applyWith(
    write: LeaseWrite,
    { writes, token }: CompanionWrites,
    signal?: AbortSignal,
  ): Promise<CompanionOutcome> {
    const { dynamodb } = this.#options;
    const Update = this.#table.updatePart(write.leaseKey, leaseItemWrite(write));
    try {
      const input = { ClientRequestToken: token, TransactItems: [{ Update }, ...writes] };
      await dynamodb.transactWriteItems(input, signal);
      return { applied: true };
    } catch (error) {
      const refused = leaseRefusal(error);
      if (refused === undefined) throw error;
      return { applied: false, found: leaseOrUndefined(refused) ?? await this.get(write.leaseKey, signal) };
    }
  }

  async delete(leaseKey: string, signal?: AbortSignal): Promise<void> {
    await this.#table.delete(leaseKey, {}, signal);
  }

  /**
   * Describe, create, wait, in one loop. DescribeTable is eventually consistent, and another worker may
   * create the table first. A table that is being deleted is in the way only for a while.
   */
  async #usableTable(
    signal?: AbortSignal,
  ): Promise<{ readonly table: TableDescription; readonly created: boolean }> {
    const { dynamodb, tableName, system: { clock }, onEvent } = this.#options;
    const startMs = clock.monotonicMs();
    let created = false;
    let statusBefore: string | undefined;
    for (let pollMs = FIRST_TABLE_POLL_MS;; pollMs = Math.min(2 * pollMs, TABLE_POLL_MS)) {
      const table = await dynamodb.describeTable(tableName, signal);
      const problem = table === undefined ? undefined : keyProblem(table) ?? statusProblem(table);
      if (problem !== undefined) throw new LeaseTableError(problem);
      if (table !== undefined && isUsable(table)) return { table, created };
      if (table === undefined && !created) {
        created = await dynamodb.createTable(createTableInput(this.#options), signal);
        if (created) onEvent?.({ type: "tableCreated", tableName });
      }
      if (clock.monotonicMs() - startMs > TABLE_TIMEOUT_MS) {
        throw new Error(
          `Cannot use lease table "${tableName}": expected it ACTIVE within ${TABLE_TIMEOUT_MS / 1000} s: ` +
            `got ${table?.tableStatus ?? "no such table"}`,
        );
      }
      const status = table?.tableStatus;
      // A new table needs some seconds; a start that takes longer is logged elsewhere.
      if (status !== undefined && status !== "CREATING" && status !== statusBefore) {
        this.#reportStatus(status);
      }
      statusBefore = status;
      await clock.sleep(pollMs, signal);
    }
  }

  #reportStatus(status: string): void {
    this.#options.onEvent?.({
      type: "notice",
      level: "warning",
      leaseKey: undefined,
      text: `Lease table "${this.#options.tableName}" is ${status}: waiting until it is ACTIVE`,
    });
  }

  /**
   * Starts the creation of the index. If another worker was first, that counts as success; any other failure
   * leaves us with scans.
   */
  async #addIndex(table: TableDescription, signal?: AbortSignal): Promise<void> {
    try {
      await this.#options.dynamodb.tableOperation("UpdateTable", addIndexInput(table), signal);
    } catch (error) {
      if (!(error instanceof AwsServiceError)) throw error;
      if (!isAwsError(error, "ResourceInUseException")) this.#noteIndexUse(false, error);
    }
  }

  async #scan(signal?: AbortSignal): Promise<readonly Item[]> {
    const { dynamodb, tableName } = this.#options;
    return await dynamodb.scan(tableName, await this.#segments(signal), signal);
  }

  async #segments(signal?: AbortSignal): Promise<number> {
    const { dynamodb, tableName, leaseTableScanTotalSegments, system: { clock } } = this.#options;
    if (leaseTableScanTotalSegments) return leaseTableScanTotalSegments;
    if (this.#size === undefined || clock.monotonicMs() - this.#size.readMs > TABLE_SIZE_LIFE_MS) {
      try {
        const table = await dynamodb.describeTable(tableName, signal);
        if (table !== undefined) this.#noteSize(table);
      } catch (error) {
        // A scan needs no size: without one it runs as before.
        if (!(error instanceof AwsServiceError)) throw error;
      }
    }
    return this.#size?.segments ?? 1;
  }

  #noteSize(table: TableDescription): void {
    this.#size = {
      segments: scanSegments(table.tableSizeBytes ?? 0),
      readMs: this.#options.system.clock.monotonicMs(),
    };
  }

  /** Reports a change, once. */
  #noteIndexUse(isUsed: boolean, error?: AwsServiceError): void {
    if (isUsed === this.#isIndexUsed) return;
    this.#isIndexUsed = isUsed;
    const index = `index "${OWNER_INDEX}" of table "${this.#options.tableName}"`;
    this.#options.onEvent?.({
      type: "notice",
      level: isUsed ? "info" : "warning",
      leaseKey: undefined,
      text: isUsed
        ? `The ${index} is in use`
        : `Cannot use the ${index}, so the whole table is scanned for assigned leases: ${errorText(error)}`,
    });
  }
}

/** The item that made the table refuse the lease's part of a transaction; empty if it was not sent. */
function leaseRefusal(error: unknown): Item | undefined {
  if (!isAwsError(error, "TransactionCanceledException")) return undefined;
  const reasons = error.body?.["CancellationReasons"];
  const reason: unknown = Array.isArray(reasons) ? reasons[0] : undefined;
  const isRefused = typeof reason === "object" && reason !== null && "Code" in reason &&
    reason.Code === "ConditionalCheckFailed";
  return isRefused ? refusedItem({ ...reason }) ?? {} : undefined;
}

/** Items of some 300 bytes each: half a read unit or two. */
const SAMPLE_ITEMS = 20;

/**
 * The pauses between two looks at a new table double from the first to the last. An emulator needs 0.1 s for
 * a table, AWS some seconds: ten looks. KCL polls every 10 s.
 */
const FIRST_TABLE_POLL_MS = 50, TABLE_POLL_MS = 1_000;

/** Source: KCL 3.5.1, `LeaseManagementConfig`. */
const TABLE_TIMEOUT_MS = 600_000;

/** Source: KCL 3.5.1, `LeaseTableScanSegmentResolver`. */
const TABLE_SIZE_LIFE_MS = 2 * 3_600_000;

/**
 * One write of the transaction, as DynamoDB's API has it.
 *
 * @module
 */

import { marshall, type TransactWrite } from "@kclite/kclite/transact";

/** Adds to the visits of a page. Applied twice, it would count twice. */
export function add(page: string, visits: number): TransactWrite {
  return {
    Update: {
      TableName: "pages",
      Key: marshall({ page }),
      UpdateExpression: "ADD visits :visits",
      ExpressionAttributeValues: marshall({ ":visits": visits }),
    },
  };
}

/**
 * Powertools for AWS Lambda: idempotency on DynamoDB. The only file that names the package, and AWS's client
 * for DynamoDB, which it needs beside it.
 *
 * @module
 */

export { IdempotencyConfig, makeIdempotent } from "npm:@aws-lambda-powertools/idempotency@2.35.0";
export { DynamoDBPersistenceLayer } from "npm:@aws-lambda-powertools/idempotency@2.35.0/dynamodb";
export { DynamoDBClient } from "npm:@aws-sdk/client-dynamodb@^3.980.0";
// The package imports it by its name.
import "npm:@aws-sdk/lib-dynamodb@^3.980.0";

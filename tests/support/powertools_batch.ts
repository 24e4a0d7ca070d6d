/**
 * Powertools for AWS Lambda: batches. The only file that names the package.
 *
 * @module
 */

export { BatchProcessor, EventType, processPartialResponse } from "npm:@aws-lambda-powertools/batch@2.35.0";

// Pure.
/**
 * The part of the table of properties that is about hosted Lambda functions. All of it is ours; where Lambda
 * has a name for it, that name is an alias.
 *
 * @module
 */

import { type Property, setting } from "./property.ts";
import { boolean, text, wholeNumber } from "./property_value.ts";

/** Rows of the table. */
export const LAMBDA_PROPERTIES: readonly Property[] = [
  setting({
    name: "lambdaHandler",
    type: text,
    setting: "lambdaHandler",
    note:
      "A Lambda handler for Kinesis in JavaScript or TypeScript, in place of `executableName`: `./index.mjs#handler`, or as " +
      "Lambda writes it, `index.handler`. With `lambdaBootstrap` it is the text of `_HANDLER`",
  }),
  setting({
    name: "lambdaBootstrap",
    type: text,
    setting: "lambdaBootstrap",
    note:
      "A program in any language that talks to Lambda's runtime API, in place of `executableName`, with its arguments: " +
      "`/opt/bootstrap`, or `python3 -m awslambdaric app.handler`",
  }),
  setting({
    name: "lambdaTimeoutSeconds",
    aliases: ["timeout"],
    type: wholeNumber({ min: 1, max: 900 }),
    setting: "lambdaTimeoutSeconds",
    default: "3",
    note: "How long a call may take. A call that takes longer has failed; a bootstrap is killed then",
  }),
  setting({
    name: "lambdaMemorySize",
    aliases: ["memorySize"],
    type: wholeNumber({ min: 1 }),
    setting: "lambdaMemorySize",
    default: "128",
    note: "The memory in MiB that the handler sees. Nothing limits it to that",
  }),
  setting({
    name: "lambdaFunctionName",
    aliases: ["functionName"],
    type: text,
    setting: "lambdaFunctionName",
    default: "the application's name",
    note: "The name that the handler sees. Powertools' idempotency has it in its keys",
  }),
  setting({
    name: "lambdaFunctionArn",
    aliases: ["functionArn"],
    type: text,
    setting: "lambdaFunctionArn",
    default: "an ARN of that name, with region and account of the stream",
    note: "The ARN that the handler sees as `invokedFunctionArn`",
  }),
  setting({
    name: "lambdaDeaggregate",
    type: boolean,
    setting: "lambdaDeaggregate",
    default: "false, as in Lambda",
    note: "Whether aggregates of the KPL are taken apart for the handler",
  }),
];

/** A Lambda handler, as it is deployed to Lambda. Nothing in it knows of kclite. */
export const handler = async (event, context) => {
  const batchItemFailures = [];
  for (const { kinesis } of event.Records) {
    const text = Buffer.from(kinesis.data, "base64").toString();
    try {
      const { order } = JSON.parse(text);
      console.log(`${context.functionName} got order ${order}`);
    } catch {
      console.log(`${context.functionName} cannot read ${text}`);
      batchItemFailures.push({ itemIdentifier: kinesis.sequenceNumber });
    }
  }
  return { batchItemFailures };
};

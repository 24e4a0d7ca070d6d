/**
 * What requests to DynamoDB cost in capacity units, as the table itself says. Asks for `ConsumedCapacity` with each request,
 * on the way to an emulator: it takes a body that was changed after it was signed, which AWS does not.
 *
 * @module
 */

/** Units, by operation. */
export type CapacityUnits = Map<string, number>;

/** A `fetch` that adds up what DynamoDB says, while `isCounting`. */
export function meteredFetch(units: CapacityUnits, isCounting: () => boolean): typeof fetch {
  return async (input, init) => {
    const target = new Headers(init?.headers).get("x-amz-target") ?? "";
    const operation = /^DynamoDB_\d+\.(\w+)$/.exec(target)?.[1];
    if (
      operation === undefined || init == null ||
      !/^(Get|Update|Put|Delete)Item$|^Query$|^Scan$/.test(operation)
    ) {
      return await fetch(input, init);
    }
    const asked = JSON.parse(await new Response(init.body).text());
    const headers = new Headers(init.headers);
    headers.delete("content-length");
    const body = JSON.stringify({ ...asked, ReturnConsumedCapacity: "TOTAL" });
    const response = await fetch(input, { ...init, headers, body });
    if (isCounting()) {
      const { ConsumedCapacity } = await response.clone().json();
      units.set(operation, (units.get(operation) ?? 0) + Number(ConsumedCapacity?.CapacityUnits ?? 0));
    }
    return response;
  };
}

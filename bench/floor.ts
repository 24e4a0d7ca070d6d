/**
 * The least that reading Kinesis over JSON can cost: fetch, `JSON.parse`, and base64 decoded by the engine into one slab a
 * page. No signature, no checks, no lease, no pacing.
 *
 * @module
 */

/** A page as the floor sees it. */
export interface FloorPage {
  readonly payloads: readonly Uint8Array[];
  readonly nextShardIterator: string;
}

interface WirePage {
  readonly Records: readonly { readonly Data: string }[];
  readonly NextShardIterator: string;
}

/** Reads one page. */
export async function readFloorPage(url: string, shardIterator: string): Promise<FloorPage> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": "Kinesis_20131202.GetRecords" },
    body: JSON.stringify({ ShardIterator: shardIterator }),
  });
  const { Records: records, NextShardIterator } = JSON.parse(await response.text()) as WirePage;
  const slab = new Uint8Array(records.reduce((sum, { Data }) => sum + Data.length / 4 * 3, 0));
  let offset = 0;
  const payloads = records.map(({ Data }) => {
    const { written } = slab.subarray(offset).setFromBase64(Data);
    const payload = slab.subarray(offset, offset + written);
    offset += written;
    return payload;
  });
  return { payloads, nextShardIterator: NextShardIterator };
}

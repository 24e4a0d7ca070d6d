import { assertEquals, assertRejects } from "@std/assert";
import { instanceRegion } from "../../../src/aws/credential_sources/instance_region.ts";
import { realClock } from "../../../src/system.ts";
import { fastClock } from "../../support/fast_clock.ts";

type Answer = (request: Request) => Response | Promise<Response>;

/** What is asked for, and what comes of it. */
async function ask(
  answer: Answer,
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly region: string | undefined; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const region = await instanceRegion({
    env: (name) => env[name],
    system: {
      clock: fastClock(10),
      random: () => 0,
      fetch: async (input, init) => {
        const request = new Request(input, init);
        asked.push(`${request.method} ${request.url} ${request.headers.get("x-aws-ec2-metadata-token")}`);
        return await answer(request);
      },
    },
  });
  return { region, asked };
}

const instance: Answer = ({ method }) => new Response(method === "PUT" ? "token" : "eu-central-1\n");

Deno.test("instanceRegion() asks the instance, with a token", async () => {
  assertEquals(await ask(instance), {
    region: "eu-central-1",
    asked: [
      "PUT http://169.254.169.254/latest/api/token null",
      "GET http://169.254.169.254/latest/meta-data/placement/region token",
    ],
  });
});

Deno.test("instanceRegion() is undefined where nothing, or something else, is answered", async () => {
  assertEquals((await ask(() => Promise.reject(new TypeError("no route")))).region, undefined);
  assertEquals((await ask(() => new Response("not-found", { status: 404 }))).region, undefined);
  assertEquals((await ask(() => new Response("<html>"))).region, undefined);
});

Deno.test("instanceRegion() asks nobody where metadata are switched off", async () => {
  assertEquals(await ask(instance, { AWS_EC2_METADATA_DISABLED: "TRUE" }), { region: undefined, asked: [] });
});

Deno.test("instanceRegion() passes an abort through", async () => {
  const system = { clock: realClock, random: () => 0, fetch: () => new Promise<Response>(() => {}) };
  const reason = new Error("stop");
  const asking = instanceRegion({ env: () => undefined, system }, AbortSignal.abort(reason));
  assertEquals(await assertRejects(() => asking), reason);
});

Deno.test("instanceRegion() asks again where the service is there and in trouble, and not for ever", async () => {
  let requests = 0;
  const late: Answer = (request) => ++requests <= 2 ? new Response("", { status: 503 }) : instance(request);
  assertEquals((await ask(late)).region, "eu-central-1");
  const { region, asked } = await ask(() => new Response("", { status: 429 }));
  assertEquals([region, asked.length], [undefined, 5]);
});

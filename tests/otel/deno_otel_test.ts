/** Deno's own OpenTelemetry: no SDK, `OTEL_DENO=true`, and a collector that this test serves. */

import { assert, assertEquals } from "@std/assert";
import { runCommand } from "../support/command.ts";

/** A span as OTLP has it in JSON. */
interface OtlpSpan {
  readonly name: string;
  readonly kind: number;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
}

interface Traces {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string };
      readonly spans: readonly OtlpSpan[];
    }[];
  }[];
}

Deno.test("otelListener() reports by Deno's own OpenTelemetry, with a checkpoint below its batch", async () => {
  const traces: Traces[] = [];
  const metrics: string[] = [];
  await using collector = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      const text = await request.text();
      if (pathname === "/v1/traces") traces.push(JSON.parse(text));
      if (pathname === "/v1/metrics") metrics.push(text);
      return new Response("{}", { headers: { "content-type": "application/json" } });
    },
  );
  const program = new URL("programs/traced_words.ts", import.meta.url).pathname;
  const lock = new URL("../../deno.lock", import.meta.url).pathname;
  const { code, stderr } = await runCommand(Deno.execPath(), [
    "run",
    "-A",
    "--no-check",
    `--lock=${lock}`,
    program,
  ], {
    env: {
      OTEL_DENO: "true",
      OTEL_DENO_CONSOLE: "ignore",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
      OTEL_METRIC_EXPORT_INTERVAL: "200",
    },
  });
  assertEquals(code, 0, stderr);
  const spans = traces.flatMap(({ resourceSpans }) => resourceSpans).flatMap(({ scopeSpans }) => scopeSpans)
    .filter(({ scope }) => scope.name === "kclite").flatMap(({ spans }) => spans);
  const process = spans.find(({ name }) => name === "process words");
  const checkpoint = spans.find(({ name }) => name === "checkpoint words");
  assert(process !== undefined && checkpoint !== undefined, JSON.stringify(spans));
  assertEquals([process.kind, checkpoint.kind], [5, 3]); // CONSUMER, CLIENT
  assertEquals(checkpoint.parentSpanId, process.spanId);
  assertEquals(process.parentSpanId ?? "", "");
  const of = (key: string) => process.attributes.find((attribute) => attribute.key === key)?.value;
  assertEquals(of("messaging.system"), { stringValue: "aws_kinesis" });
  assertEquals(of("messaging.consumer.group.name"), { stringValue: "word-count" });
  assert(metrics.some((text) => text.includes("messaging.process.duration")), `${metrics.length} of metrics`);
});

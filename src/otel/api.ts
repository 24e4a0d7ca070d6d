/**
 * The API of OpenTelemetry: the one place that names the package. Without a registered SDK each of its calls
 * does nothing.
 *
 * @module
 */

export {
  context,
  metrics,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from "npm:@opentelemetry/api@^1.9.0";
export type {
  Attributes,
  Context,
  Counter,
  Histogram,
  Link,
  Meter,
  ObservableGauge,
  ObservableResult,
  Span,
  Tracer,
} from "npm:@opentelemetry/api@^1.9.0";

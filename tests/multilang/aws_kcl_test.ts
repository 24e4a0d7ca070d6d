// Under Deno, which fetches the library as it fetches its own dependencies; `deno task interop:node` runs the same under Node.
import { testAwsKcl } from "./aws_kcl.ts";

testAwsKcl(
  "Deno",
  () =>
    Promise.resolve(
      `${Deno.execPath()} run -A --no-config --no-lock -q tests/multilang/children/aws_kcl_app.mjs`,
    ),
);

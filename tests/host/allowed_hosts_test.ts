import { assertEquals } from "@std/assert";
import { hostCheck } from "../../src/host/allowed_hosts.ts";

const LOOPBACK = { hostname: "127.0.0.1", address: "127.0.0.1", allowed: undefined };

/** Which of them are answered. */
function answered(rule: Parameters<typeof hostCheck>[0], hosts: readonly (string | null)[]) {
  return hosts.filter(hostCheck(rule));
}

Deno.test("hostCheck() on loopback answers for every spelling of a loopback name, at any port", () => {
  const hosts = [
    "localhost",
    "LocalHost:8080",
    "localhost.",
    "localhost.:8080",
    "localhost:",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.1.2.3:80",
    "[::1]",
    "[::1]:8080",
    "[0:0:0:0:0:0:0:1]:80",
    "[::ffff:127.0.0.1]",
    null,
  ];
  assertEquals(answered(LOOPBACK, hosts), hosts);
});

Deno.test("hostCheck() on loopback answers for no other name, as DNS rebinding brings them", () => {
  const hosts = [
    "evil.example",
    "evil.example:8080",
    "EVIL.EXAMPLE",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evil.localhost",
    "169.254.169.254",
    "0.0.0.0",
    "[::]",
    "[::2]:80",
    "::1",
    "evil.example, localhost",
    "evil@localhost",
    "localhost/evil",
    "localhost#",
    "local host",
    "[::1",
    "localhost:80:80",
    "*",
    "",
    ".",
  ];
  assertEquals(answered(LOOPBACK, hosts), []);
});

Deno.test("hostCheck() answers for the name that it listens on, where that is loopback", () => {
  const rule = { hostname: "Kinesis.internal", address: "127.0.1.1", allowed: undefined };
  assertEquals(answered(rule, ["kinesis.internal:80", "other.internal"]), ["kinesis.internal:80"]);
  for (const [hostname, address] of [["localhost", "::1"], ["::1", undefined], ["localhost", undefined]]) {
    const check = hostCheck({ hostname: `${hostname}`, address, allowed: undefined });
    assertEquals([check("localhost:1"), check("[::1]:1"), check("evil.example")], [true, true, false]);
  }
});

Deno.test("hostCheck() answers for names that are allowed, in any spelling, and then for no others anywhere", () => {
  const allowed = ["Health.example.com", "[fd00::1]"];
  const hosts = ["health.example.com:443", "HEALTH.example.com.", "[FD00:0::1]", "localhost", "evil.example"];
  const right = hosts.slice(0, 4);
  assertEquals(answered({ ...LOOPBACK, allowed }, hosts), right);
  assertEquals(answered({ hostname: "0.0.0.0", address: "0.0.0.0", allowed }, hosts), right);
});

Deno.test("hostCheck() answers for all names off loopback, and for * on it", () => {
  const hosts = ["evil.example", "10.0.0.1:80", "", null];
  assertEquals(answered({ hostname: "0.0.0.0", address: "0.0.0.0", allowed: undefined }, hosts), hosts);
  assertEquals(answered({ hostname: "::", address: "::", allowed: undefined }, hosts), hosts);
  assertEquals(answered({ hostname: "10.0.0.1", address: undefined, allowed: undefined }, hosts), hosts);
  assertEquals(answered({ ...LOOPBACK, allowed: ["*"] }, hosts), hosts);
});

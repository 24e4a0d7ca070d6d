/**
 * What a program may throw that throws in its turn when somebody looks at it.
 *
 * @module
 */

/** By what is wrong with it. */
export const HOSTILE_ERRORS: Readonly<Record<string, unknown>> = {
  "its own cause": ((error: Error) => Object.assign(error, { cause: error }))(new Error("round")),
  "a cause of its cause": (() => {
    const first = new Error("first");
    first.cause = new Error("second", { cause: first });
    return first;
  })(),
  "a message that throws": withGetter("message"),
  "a name that throws": withGetter("name"),
  "a cause that throws": withGetter("cause"),
  "a code that throws": withGetter("code"),
  "a message without text": Object.assign(new Error("x"), { message: Object.create(null) }),
  "a symbol for a name": Object.assign(new Error("x"), { name: Symbol("y") }),
  "a frozen error": Object.freeze(new Error("frozen")),
  "an object without prototype": Object.create(null),
  "an object that holds itself": (() => {
    const round: Record<string, unknown> = {};
    round["self"] = round;
    return round;
  })(),
  "a toString that throws": {
    toString() {
      throw new Error("no");
    },
  },
  "a toJSON that throws": {
    toJSON() {
      throw new Error("no");
    },
  },
  "a revoked proxy": revoked(),
  "a symbol": Symbol("x"),
  "a large number": 10n,
  "a function": () => {},
  "nothing": undefined,
};

function withGetter(name: string): Error {
  return Object.defineProperty(new Error("own words"), name, {
    get() {
      throw new Error("no");
    },
  });
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable(new Error("x"), {});
  revoke();
  return proxy;
}

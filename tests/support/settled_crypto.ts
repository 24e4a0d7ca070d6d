/**
 * Loaded before each file of tests: when a test ends, the signatures that it left are waited for.
 *
 * Web Crypto works in threads of its own and cannot be aborted. So a call that was aborted while it was
 * signed leaves a signature behind. On a busy machine that ended in the middle of the next test, which was
 * then said to leak.
 *
 * @module
 */

const open = new Set<Promise<unknown>>();
const { setTimeout } = globalThis; // tests may replace it

function noted<Given extends unknown[], Made>(
  method: (...given: Given) => Promise<Made>,
): (...given: Given) => Promise<Made> {
  return function (this: SubtleCrypto, ...given: Given) {
    const made = method.apply(this, given);
    open.add(made);
    const close = () => void open.delete(made);
    made.then(close, close);
    return made;
  };
}

const { subtle } = crypto;
Object.assign(SubtleCrypto.prototype, {
  digest: noted(subtle.digest),
  importKey: noted(subtle.importKey),
  sign: noted(subtle.sign),
});

Deno.test.afterEach(async () => {
  // A signature is several calls, one after the other.
  while (open.size > 0) {
    await Promise.allSettled(open);
    await new Promise<void>((resolve) => setTimeout(resolve));
  }
});

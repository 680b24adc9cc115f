// A server counts primes and answers others meanwhile. Counting is cut into slices: after each, others have their turn.
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

const sliceMs = 20;

async function countPrimes(forMs: number): Promise<number> {
  const start = performance.now();
  let primes = 0;
  for (let number = 2, slice = start; performance.now() - start < forMs; number++) {
    if (isPrime(number)) primes++;
    if (performance.now() - slice < sliceMs) continue;
    await nextTurn();
    slice = performance.now();
  }
  return primes;
}

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false;
  return true;
}

async function answer(): Promise<void> {
  for (let request = 1; request <= 3; request++) {
    await sleep(50);
    console.log(`request ${request} is answered`);
  }
}

const [primes] = await Promise.all([countPrimes(3000), answer()]);
console.log(primes > 0 ? "Primes counted." : "No time.");

// A server counts primes and answers others meanwhile.
//
// What is wrong: counting never pauses. It is an async function, but no other code runs before it is done: nobody is
// answered, no timer fires, for three seconds.
import { setTimeout as sleep } from "node:timers/promises";

async function countPrimes(forMs: number): Promise<number> {
  const start = performance.now();
  let primes = 0;
  // Mistake: nothing else has a turn until this loop ends.
  for (let number = 2; performance.now() - start < forMs; number++) {
    // Mistake: no pause here.
    if (isPrime(number)) primes++;
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

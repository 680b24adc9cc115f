// needs CHROMIUM
// Functions are sent to a page by their text.
import { chromium } from "playwright-core";

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
const page = await browser.newPage();
await page.setContent("<p>one</p><p>two</p>");
console.log(
  await page.evaluate(async (factor) => {
    const texts = [];
    for (const each of document.querySelectorAll("p")) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      texts.push(each.textContent.length * factor);
    }
    return texts;
  }, 10),
);
await page.exposeFunction("square", async (n) => (await n) ** 2);
console.log(await page.evaluate(async () => await window.square(7)));
console.log(await page.$$eval("p", async (all) => (await all).map((each) => each.textContent)));
await page
  .evaluate(async () => {
    await null;
    throw new RangeError("on purpose");
  })
  .catch((error) => console.log(error.message.split("\n")[0]));
await browser.close();

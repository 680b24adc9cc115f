// Parameters are found by their names, in the text of functions and classes.
import { asClass, asFunction, asValue, createContainer, InjectionMode } from "awilix";

for (const injectionMode of [InjectionMode.CLASSIC, InjectionMode.PROXY]) {
  const container = createContainer({ injectionMode });
  class Classic {
    constructor(clock, makeName) {
      this.text = `${clock} ${makeName}`;
    }
    async say() {
      await null;
      return this.text;
    }
  }
  class Proxied {
    constructor({ clock, makeName }) {
      this.text = `${clock} ${makeName}`;
    }
    async say() {
      await null;
      return this.text;
    }
  }
  const classic = injectionMode === InjectionMode.CLASSIC;
  container.register({
    clock: asValue(12),
    makeName: classic
      ? asFunction((clock) => `name at ${clock}`)
      : asFunction(({ clock }) => `name at ${clock}`),
    sayer: asClass(classic ? Classic : Proxied),
    later: classic
      ? asFunction(async (clock, makeName) => [await clock, makeName])
      : asFunction(async ({ clock, makeName }) => [await clock, makeName]),
  });
  console.log(injectionMode, await container.resolve("sayer").say(), await container.resolve("later"));
}

import "reflect-metadata";
import { setTimeout as sleep } from "node:timers/promises";
import { Controller, Get, HttpException, Injectable, Module, Param } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { askAll } from "./ask.mjs";

class Orders {
  async find(id) {
    await sleep(1);
    if (id === "0") throw new HttpException("no such order", 404);
    return { id, items: await Promise.all([sleep(1, "a"), sleep(2, "b")]) };
  }
}
decorate(Orders, [Injectable()]);

class OrdersController {
  constructor(orders) {
    this.orders = orders;
  }
  async find(id) {
    return this.orders.find(id);
  }
  fails() {
    return Promise.reject(new Error("on purpose"));
  }
}
Reflect.defineMetadata("design:paramtypes", [Orders], OrdersController);
decorate(OrdersController, [Controller("orders")]);
method(OrdersController, "find", [Get(":id")], [Param("id")]);
method(OrdersController, "fails", [Get("it/fails")], []);

class App {}
decorate(App, [Module({ controllers: [OrdersController], providers: [Orders] })]);

function decorate(target, decorators) {
  for (const each of decorators) each(target);
}

function method(target, name, decorators, parameters) {
  for (const [index, each] of parameters.entries()) each(target.prototype, name, index);
  for (const each of decorators)
    each(target.prototype, name, Object.getOwnPropertyDescriptor(target.prototype, name));
}

const app = await NestFactory.create(App, { logger: false });
await app.listen(0, "127.0.0.1");
await askAll(await app.getUrl(), ["/orders/5", "/orders/0", "/orders/it/fails", "/nothing"]);
await app.close();

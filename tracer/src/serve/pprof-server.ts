// Go's `/debug/pprof/` for a traced thread, for those who asked for it: `go tool pprof http://…` and speedscope read it.
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { writeContentionProfile, writeGoroutineProfile } from "@unknot/dump/formats/go-profile-text.ts";
import { writeGoroutines } from "@unknot/dump/formats/goroutine-text.ts";
import { encodePprof, type PprofProfile, tasksOf } from "@unknot/dump/formats/pprof.ts";
import { writeTaskdump } from "@unknot/dump/formats/taskdump-writer.ts";
import { formatDuration } from "@unknot/dump/names.ts";
import type { Dump } from "@unknot/protocol/dump.ts";
import type { LoopbackAddress } from "../loopback.ts";
import { userId } from "../runtime-folder.ts";

export interface PprofServerOptions {
  readonly address: LoopbackAddress;
  readonly take: () => Promise<Dump>;
  /** Called with the URL when it can be asked. */
  readonly listening: (url: string) => void;
  readonly failed: (reason: string) => void;
}

const mostConnections = 8;
const patienceMs = 10_000;

/** Serves profiles on a loopback address. When its port is taken, by another process of the program mostly, on any. */
export async function servePprof({ address, take, listening, failed }: PprofServerOptions): Promise<void> {
  const { createServer } = await import("node:http");
  const server = createServer(
    { requestTimeout: patienceMs, headersTimeout: patienceMs, keepAliveTimeout: 1000 },
    (request, response) => void answer(request, response, take),
  );
  server.maxConnections = mostConnections;
  server.on("clientError", (_, socket) => socket.destroy());
  const { host } = address;
  let anyPort = address.port === 0;
  server.on("error", (error: NodeJS.ErrnoException) => {
    if (anyPort || error.code !== "EADDRINUSE") {
      failed(error.message);
      return;
    }
    anyPort = true;
    server.listen(0, host);
  });
  server.on("listening", () => {
    const bound = server.address();
    if (bound === null || typeof bound === "string") return;
    listening(`http://${host === "::1" ? "[::1]" : host}:${bound.port}/debug/pprof/`);
  });
  server.listen(address.port, host);
}

const zipped = promisify(gzip);

/** What is served: Go's names first. */
const profiles: readonly { readonly name: string; readonly profile: PprofProfile; readonly about: string }[] =
  [
    { name: "goroutine", profile: "tasks", about: "all tasks, as Go has its goroutines" },
    { name: "goroutineleak", profile: "leak", about: "tasks that surely never go on" },
    { name: "block", profile: "block", about: "how long tasks have waited, by where they waited" },
    {
      name: "mutex",
      profile: "mutex",
      about: "how long others waited for locks and permits, by where these were given back",
    },
    { name: "tasks", profile: "tasks", about: "all tasks with their ages and waits" },
    { name: "deadlock", profile: "deadlock", about: "tasks in a deadlock" },
    { name: "floating", profile: "floating", about: "tasks that ended and that nobody looked at" },
  ];

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  take: () => Promise<Dump>,
): Promise<void> {
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.setHeader("Cache-Control", "no-store");
  response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
  response.setHeader("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  try {
    const refused = refusal(request);
    if (refused !== undefined) send(response, refused.status, "text/plain", `${refused.reason}\n`);
    else await respond(new URL(request.url ?? "/", "http://localhost"), response, take);
  } catch (error) {
    if (response.headersSent) response.destroy();
    else send(response, 500, "text/plain", `${error instanceof Error ? error.message : String(error)}\n`);
  }
}

/** Whom no answer is given: pages of other sites, also those that call this machine by a name of their own. */
export function refusal(
  request: Pick<IncomingMessage, "method" | "headers" | "socket">,
): { readonly status: number; readonly reason: string } | undefined {
  const { host, origin, "sec-fetch-site": site } = request.headers;
  if (host === undefined || !isLoopback(`http://${host}`))
    return { status: 403, reason: "Ask by the name localhost or by the address 127.0.0.1." };
  if (origin !== undefined && !isLoopback(origin))
    return { status: 403, reason: "Pages of other sites get no answer." };
  if (site === "cross-site" || site === "same-site")
    return { status: 403, reason: "Pages of other sites get no answer." };
  if (!isOwnUser(request.socket))
    return { status: 403, reason: "Only the user of this process may look at it." };
  if (request.method !== "GET" && request.method !== "HEAD")
    return { status: 405, reason: "There is nothing to change here: use GET." };
  return undefined;
}

function isLoopback(url: string): boolean {
  try {
    return ["localhost", "127.0.0.1", "[::1]"].includes(new URL(url).hostname);
  } catch {
    return false;
  }
}

/**
 * A port of the loopback is open to every user of the machine. Linux tells whose the other end is; elsewhere nobody
 * does.
 */
function isOwnUser({ remotePort, localPort }: Socket): boolean {
  if (process.platform !== "linux") return true;
  const own = userId();
  const established = "01";
  for (const table of ["/proc/self/net/tcp", "/proc/self/net/tcp6"]) {
    let lines: readonly string[];
    try {
      lines = readFileSync(table, "latin1").split("\n");
    } catch {
      continue;
    }
    for (const line of lines) {
      const [, from, to, state, , , , uid] = line.trim().split(/\s+/);
      if (state !== established || portOf(from) !== remotePort || portOf(to) !== localPort) continue;
      return Number(uid) === own || Number(uid) === 0;
    }
  }
  return false;
}

function portOf(address: string | undefined): number {
  return Number.parseInt(address?.split(":")[1] ?? "", 16);
}

async function respond(url: URL, response: ServerResponse, take: () => Promise<Dump>): Promise<void> {
  const name = /^\/debug\/pprof\/(\w*)$/.exec(url.pathname)?.[1];
  if (name === undefined) {
    if (url.pathname === "/" || url.pathname === "/debug/pprof") {
      response.setHeader("Location", "/debug/pprof/");
      send(response, 302, "text/plain", "/debug/pprof/\n");
    } else send(response, 404, "text/plain", "Profiles are in /debug/pprof/.\n");
    return;
  }
  if (name === "") {
    send(response, 200, "text/html; charset=utf-8", indexPage(await take()));
    return;
  }
  if (name === "taskdump") {
    const text = [...writeTaskdump(await take(), { mode: "grouped" })].join("");
    send(response, 200, "text/plain; charset=utf-8", text);
    return;
  }
  const found = profiles.find((each) => each.name === name);
  if (found === undefined) {
    const known = profiles.map((each) => each.name).join(", ");
    send(response, 404, "text/plain", `There is no profile '${name}'; there are ${known} and taskdump.\n`);
    return;
  }
  const debug = url.searchParams.get("debug") ?? "0";
  if (!/^[012]$/.test(debug)) {
    send(
      response,
      400,
      "text/plain",
      "'debug' is 0 (a pprof file), 1 (text by stack) or 2 (text by task).\n",
    );
    return;
  }
  const { profile } = found;
  const dump = await take();
  if (debug !== "0") {
    send(response, 200, "text/plain; charset=utf-8", textOf(dump, profile, debug === "1"));
    return;
  }
  const goNames = name.startsWith("goroutine");
  response.setHeader("Content-Disposition", `attachment; filename="${name}.pb.gz"`);
  send(response, 200, "application/octet-stream", await zipped(encodePprof(dump, { profile, goNames })));
}

function textOf(dump: Dump, profile: PprofProfile, byStack: boolean): string {
  if (profile === "block" || profile === "mutex") return writeContentionProfile(dump, profile);
  const chosen = { ...dump, tasks: tasksOf(dump, profile) };
  return byStack ? writeGoroutineProfile(chosen) : [...writeGoroutines(chosen)].join("");
}

function send(response: ServerResponse, status: number, type: string, body: string | Uint8Array): void {
  response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}

function indexPage(dump: Dump): string {
  const { contention, process: about } = dump;
  const count = (profile: PprofProfile): number =>
    profile === "block"
      ? (contention?.waits.length ?? 0)
      : profile === "mutex"
        ? (contention?.holds.filter(({ contended }) => contended > 0).length ?? 0)
        : tasksOf(dump, profile).length;
  const rows = profiles.map(
    ({ name, profile, about: what }) =>
      `<tr><td>${count(profile)}<td><a href="${name}?debug=1">${name}</a><td>${what}<td><a href="${name}">pprof</a>`,
  );
  const problems = dump.problems.map(({ id, message }) => `<li><b>${html(id)}</b>: ${html(message)}`);
  return `<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>/debug/pprof/</title>
<style>body{font:14px sans-serif;margin:2em}td,th{padding:.2em .8em;text-align:left}td:first-child{text-align:right}</style>
<h1>/debug/pprof/</h1>
<p>${html(about.title)}, process ${about.pid}, thread ${about.threadId}, up ${formatDuration(about.upMs)}, ${dump.tasks.length} tasks, event loop ${dump.loop.state}
<table><tr><th>count<th>profile<th><th>file
${rows.join("\n")}
</table>
<p><a href="goroutine?debug=2">every task</a>, <a href="taskdump">task dump</a>
<ul>${problems.join("\n")}</ul>
`;
}

function html(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

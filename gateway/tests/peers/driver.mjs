// What the Node clients share: the options, the time limit, and the one JSON document on stdout.
//
// A client gives `drive` an object that can open, list, call and close. Invariant: exit code 0
// means that the document is complete; whatever a single call did is told inside it. Everything
// else (no connection, a list that fails, the time limit) is a message on stderr and exit code 1.
//
// `calls.json` is a file for --calls once its ${SCRATCH} (a folder laid out by `scratch.sh`) and
// ${FETCH_URL} (where "The loopback says hello." is served) are filled in. Its `expect`, a part of
// the text that must come back, is for the test that compares; nobody here reads it.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const LIMIT_MS = 150_000;
/** One request may take this long, so that a hanging call is reported as that call. */
export const REQUEST_MS = 60_000;

/** The folder that `install.sh` filled. */
export const PEERS = process.env.PEERS ?? fileURLToPath(new URL("../../../.peers", import.meta.url));

/** Loads from the installed packages: they do not stand above this file, where `import` looks. */
export const peer = createRequire(`${PEERS}/node/package.json`);

const LISTS = { tools: "tools", prompts: "prompts", resources: "resources", templates: "resources" };

/**
 * `[--mode M] [--calls FILE] --url URL`, or `… --stdio CMD ARG…`, which takes the rest, or `… --config FILE`: the one
 * server of a client's `mcpServers`, started exactly as it is written and with no more variables than the SDK passes on.
 */
export function options(modes) {
  const usage = `usage: [--mode ${modes.join("|")}] [--calls FILE] (--url URL | --config FILE | --stdio CMD ARG...)`;
  const argv = process.argv.slice(2);
  const at = argv.indexOf("--stdio");
  const [command, ...args] = at < 0 ? [] : argv.splice(at).slice(1);
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        url: { type: "string" },
        config: { type: "string" },
        mode: { type: "string" },
        calls: { type: "string" },
      },
    });
    const mode = values.mode ?? modes[0];
    if (!modes.includes(mode)) throw new Error(`no mode \`${mode}\``);
    const doors = [values.url, values.config, command].filter(Boolean);
    if (doors.length !== 1) throw new Error("name one server: --url, --config or --stdio");
    const calls = values.calls ? JSON.parse(readFileSync(values.calls, "utf8")) : [];
    const child = values.config ? configured(values.config) : { command, args, env: process.env };
    return { url: values.url, ...child, mode, calls };
  } catch (error) {
    return fail(`${error.message}\n${usage}`);
  }
}

/** The server of a client's configuration file. */
function configured(file) {
  const servers = Object.values(JSON.parse(readFileSync(file, "utf8")).mcpServers);
  if (servers.length !== 1) throw new Error(`${servers.length} servers in ${file}, not one`);
  const { command, args, env } = servers[0];
  return { command, args, env };
}

/** Runs the whole conversation and prints the document. */
export async function drive(client, sdk, calls, session) {
  let doing = "connecting";
  const limit = setTimeout(() => {
    session.kill();
    fail(`${client}: no end within ${LIMIT_MS / 1000} s; last: ${doing}`);
  }, LIMIT_MS);
  try {
    const { capabilities, ...server } = await session.open();
    const document = { client, sdk, ...server };
    for (const [list, capability] of Object.entries(LISTS)) {
      doing = `listing ${list}`;
      document[list] = capabilities?.[capability] ? await session.list(list) : [];
    }
    document.calls = [];
    for (const call of calls) {
      doing = `calling ${call.name ?? call.uri}`;
      document.calls.push(await outcome(session, call));
    }
    doing = "closing";
    await session.close();
    clearTimeout(limit);
    process.stdout.write(`${JSON.stringify(document)}\n`, () => process.exit(0));
  } catch (error) {
    const cause = error.cause ? `\ncaused by ${error.cause.stack}` : "";
    process.stderr.write(`${client}: failed while ${doing}: ${error.stack}${cause}\n`);
    process.exitCode = 1;
    // Not process.exit: a client that is still ending its child must come to do so.
    await session.close().catch(() => {});
    limit.unref();
  }
}

/** Never throws: a refused call is a result of this program. `ok` means a result without isError. */
async function outcome(session, { kind, name, uri, arguments: args }) {
  const answer = { name: name ?? uri, ok: false, isError: false, text: "", structured: null, error: null };
  try {
    const result = await session.call(kind, name ?? uri, args ?? {});
    answer.isError = result.isError === true;
    answer.ok = !answer.isError;
    answer.text = textOf(result);
    answer.structured = result.structuredContent ?? null;
  } catch (error) {
    answer.error = { code: error.code ?? null, message: error.message };
  }
  return answer;
}

/** The text of a tool, prompt or resource result, its parts joined by line breaks. */
function textOf(result) {
  const parts = result.content ?? result.contents ?? result.messages?.map((message) => message.content) ?? [];
  return parts.map((part) => part.text ?? part.resource?.text ?? "").join("\n");
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

// The Inspector's command line: one run of it, hence one connection, for each question asked.
//
// Invariant: what a run prints decides, not its exit code, which is 5 for a tool's isError too.
// Its runs keep their files in `.peers/home`, never in the person's own home. Options: `driver.mjs`.

import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { PEERS, REQUEST_MS, drive, options, peer } from "./driver.mjs";

const ROOT = "./node_modules/@modelcontextprotocol/inspector";
const { version } = peer(`${ROOT}/package.json`);
const PROGRAM = peer.resolve(`${ROOT}/clients/launcher/build/index.js`);
const HOME = `${PEERS}/home`;
const METHODS = { templates: "resources/templates/list" };

const { url, command, args, mode, calls } = options(["legacy", "auto", "modern", "sse"]);
const [era, transport] = mode === "sse" ? ["legacy", "sse"] : [mode, "http"];
// A child of the Inspector inherits a few variables only: name them all, as the SDK drivers do, but for
// those without a value, which it refuses.
const variables = Object.entries(process.env).filter(([, value]) => value !== "");
const environment = variables.flatMap(([name, value]) => ["-e", `${name}=${value}`]);
const server = url ? ["--transport", transport, "--server-url", url] : [...environment, "--", command, ...args];
const running = new Set();
mkdirSync(HOME, { recursive: true });

/** One run of the Inspector; its result, or an error with its code and message. */
async function ask(method, ...flags) {
  const argv = ["--cli", "--method", method, ...flags, "--protocol-era", era, "--format", "json", ...server];
  const { stdout, stderr } = await run([PROGRAM, ...argv]);
  if (stdout.trim()) return JSON.parse(stdout).result;
  const envelope = stderr.split("\n").find((line) => line.startsWith('{"error":'));
  if (!envelope) throw new Error(`the Inspector answered nothing to ${method}: ${stderr}`);
  const { code, message, cause } = JSON.parse(envelope).error;
  throw Object.assign(new Error(cause ? `${message}: ${cause}` : message), { code });
}

function run(argv) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, HOME };
    const child = spawn(process.execPath, argv, { env, stdio: ["ignore", "pipe", "pipe"], timeout: REQUEST_MS });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) {
      child[name].setEncoding("utf8").on("data", (text) => (output[name] += text));
    }
    running.add(child);
    child.on("error", reject);
    child.on("close", (_code, signal) => {
      running.delete(child);
      if (signal) reject(new Error(`the Inspector was stopped by ${signal}: ${output.stderr}`));
      else resolve(output);
    });
  });
}

await drive(`inspector-${mode}`, `@modelcontextprotocol/inspector ${version}`, calls, {
  open: () => ask("initialize"),
  async list(kind) {
    const { resourceTemplates, ...result } = await ask(METHODS[kind] ?? `${kind}/list`);
    return (resourceTemplates ?? result[kind]).map((item) => item.uriTemplate ?? item.uri ?? item.name);
  },
  call(kind, name, given) {
    if (kind === "resource") return ask("resources/read", "--uri", name);
    if (kind === "tool") return ask("tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(given));
    const pairs = Object.entries(given).map(([key, value]) => `${key}=${value}`);
    return ask("prompts/get", "--prompt-name", name, ...(pairs.length ? ["--prompt-args", ...pairs] : []));
  },
  async close() {},
  kill() {
    for (const child of running) child.kill("SIGKILL");
  },
});

// What the TypeScript drivers of the matrix share: one command a line on stdin, one line about what came of it on stdout.
//
// Invariant: what the client heard and was asked is told once, whole and in order, to whoever asks for it first.

/** A request, or a wait, that takes longer has failed. */
export const LIMIT_MS = 15_000;

/** What a client declares, and is asked for. */
export const CAPABILITIES = { elicitation: { form: {}, url: {} }, roots: {}, sampling: {} };
export const QUESTIONS = ["elicitation/create", "roots/list", "sampling/createMessage"];
export const NOTICES = [
  "notifications/message",
  "notifications/prompts/list_changed",
  "notifications/resources/list_changed",
  "notifications/resources/updated",
  "notifications/tools/list_changed",
];

const heard = [];
const waiting = new Set();
let asked = [];
let answers = {};

/** For a notification. */
export function hear(method, params) {
  heard.push({ method, params });
  for (const look of waiting) look();
}

/** For a question. The answer is what the row gave for it. */
export function answer(method, params) {
  asked.push({ method, params });
  if (!Object.hasOwn(answers, method)) throw new Error(`the row has no answer for ${method}`);
  return answers[method];
}

/** The notifications of this method, once there are so many. */
async function until({ method, count }) {
  const are = () => heard.filter((notice) => notice.method === method);
  await new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      waiting.delete(look);
      reject(new Error(`heard ${are().length} of ${count} ${method} within ${LIMIT_MS / 1000} s`));
    }, LIMIT_MS);
    const look = () => {
      if (are().length < count) return;
      clearTimeout(limit);
      waiting.delete(look);
      resolve();
    };
    waiting.add(look);
    look();
  });
  const found = are();
  heard.splice(0, heard.length, ...heard.filter((notice) => notice.method !== method));
  return { notices: found.map((notice) => notice.params) };
}

/** Makes a request; with `follow` its progress is asked for, with `stop` it is given up at the first of it. */
async function request(client, { method, params, follow, stop, answers: given = {} }) {
  answers = given;
  asked = [];
  const progress = [];
  const giveUp = new AbortController();
  const onprogress = (told) => {
    progress.push(told);
    if (stop) giveUp.abort("no longer of use");
  };
  const options = { timeout: LIMIT_MS, signal: giveUp.signal, ...(follow && { onprogress }) };
  const outcome = await client.request(method, params, options).then((result) => ({ result }), failure);
  return { ...outcome, progress, asked };
}

/** The protocol's error; where the SDK of HTTP shows but the body of a status, the error that stands in it. */
function failure({ code, message, data }) {
  const error = data?.status === undefined ? { code, message, data } : JSON.parse(data.text).error;
  return { error: { code: error.code ?? null, message: error.message, data: error.data ?? null } };
}

/** By line feeds alone: node's own reader also breaks lines at U+2028. */
async function* lines() {
  let rest = "";
  process.stdin.setEncoding("utf8");
  for await (const chunk of process.stdin) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop();
    yield* parts;
  }
}

/** `client` can `open`, `request`, `list`, `follow`, `unfollow`, `level` and `close`. Ends with stdin. */
export async function serve(client) {
  const commands = {
    request: (command) => request(client, command),
    heard: until,
    rest: async () => ({ heard: heard.splice(0), asked: asked.splice(0) }),
    list: async ({ kind }) => ({ items: await client.list(kind) }),
    follow: async ({ uris }) => ({ honoured: await client.follow(uris) }),
    unfollow: async ({ uris }) => ({ ended: await client.unfollow(uris) }),
    level: async ({ level }) => ({ result: await client.level(level) }),
  };
  const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
  say(await client.open());
  for await (const line of lines()) {
    const { id, do: name, ...command } = JSON.parse(line);
    // Not awaited: a command that hangs does not keep the next one waiting.
    commands[name](command).then((told) => say({ id, ...told }), (error) => say({ id, failed: `${error.stack}` }));
  }
  await client.close();
  process.exit(0);
}

// A real OpenID Connect provider for one test: people in memory, forms that take any password.
//
// Prints {"port": …} once it listens, then reads one line of JSON from standard input, {"clients": […]}: who may send
// people here. It ends when standard input does. PUT /people/SUBJECT with claims as JSON makes or changes a person.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

const people = new Map();
let answer = (request, response) => response.writeHead(503).end();

async function change(request, response) {
  let text = "";
  for await (const chunk of request) text += chunk;
  people.set(decodeURIComponent(request.url.slice("/people/".length)), JSON.parse(text));
  response.writeHead(204).end();
}

const server = createServer((request, response) => {
  if (request.method === "PUT" && request.url.startsWith("/people/")) change(request, response);
  else answer(request, response);
});

server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const input = createInterface({ input: process.stdin });
  input.on("close", () => process.exit(0));
  input.once("line", (line) => {
    const { clients, claims_in_id_token } = JSON.parse(line);
    const provider = new Provider(`http://127.0.0.1:${port}`, {
      clients,
      claims: { openid: ["sub"], profile: ["name", "preferred_username"], email: ["email"], groups: ["groups"] },
      // Providers differ in where they tell names and groups.
      conformIdTokenClaims: !claims_in_id_token,
      findAccount: (_context, sub) => people.has(sub) && { accountId: sub, claims: () => ({ sub, ...people.get(sub) }) },
      cookies: { keys: ["only for tests"] },
      pkce: { required: () => true },
    });
    answer = provider.callback();
    console.log(JSON.stringify({ ready: true }));
  });
  console.log(JSON.stringify({ port }));
});

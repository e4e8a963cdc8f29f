// A chat by CopilotKit, for tests: route.mjs is its runtime, as a site has it, and CopilotKit's own client speaks to it
// as its React components do. Each line of stdin is a message; the agent after its run is one line of stdout.
import { once } from "node:events";
import { createInterface } from "node:readline";
import { CopilotKitCore } from "@copilotkit/core";
import { serve } from "@hono/node-server";
import * as route from "./route.mjs";

const fetch = (request) => route[request.method]?.(request) ?? new Response(null, { status: 405 });
const server = serve({ fetch, hostname: "127.0.0.1", port: 0 });
await once(server, "listening");

// The client connects on a page only.
globalThis.window = globalThis;
const core = new CopilotKitCore({ runtimeUrl: `http://127.0.0.1:${server.address().port}/api/copilotkit` });
let agent;
while ((agent = core.getAgent("default")) === undefined || core.runtimeConnectionStatus !== "connected")
  await new Promise((resolve) => {
    const { unsubscribe } = core.subscribe({
      onRuntimeConnectionStatusChanged() {
        unsubscribe();
        resolve();
      },
    });
  });

for await (const line of createInterface({ input: process.stdin })) {
  agent.addMessage(JSON.parse(line));
  const errors = [];
  const { unsubscribe } = agent.subscribe({
    onRunErrorEvent: ({ event }) => void errors.push({ code: event.code, message: event.message }),
  });
  await core.runAgent({ agent });
  unsubscribe();
  process.stdout.write(`${JSON.stringify({ errors, messages: agent.messages, state: agent.state })}\n`);
}
server.close();
server.closeAllConnections();

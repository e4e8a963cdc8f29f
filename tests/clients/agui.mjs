// Runs of AG-UI's own client, for tests: the first argument says the agent, and each line of stdin a run of it.
// Each event is one line of stdout, and so is the end of each run.
import { createInterface } from "node:readline";
import { HttpAgent } from "@ag-ui/client";

const { agent: options } = JSON.parse(process.argv[2]);
const agent = new HttpAgent(options);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
// The client tells failures here, too; the end of the run says them.
console.error = () => {};

for await (const line of createInterface({ input: process.stdin })) {
  const { message, ...parameters } = JSON.parse(line);
  if (message) agent.addMessage(message);
  const errors = [];
  const end = { run: "resolved" };
  try {
    const { result, newMessages } = await agent.runAgent(parameters, {
      onEvent: ({ event }) => say({ event }),
      onRunErrorEvent: ({ event }) => void errors.push({ code: event.code, message: event.message }),
    });
    Object.assign(end, { result, newMessages });
  } catch (failure) {
    Object.assign(end, { run: "rejected", failure: failure.message, status: failure.status, payload: failure.payload });
  }
  say({ end: { ...end, errors, messages: agent.messages, state: agent.state } });
}

// A team that people compose, as the API has it, and as it is edited.

/** The site's colours for agents (theme.css), by their numbers. */
export const COLORS = ["Blue", "Teal", "Red", "Amber", "Violet", "Cyan", "Olive", "Orange"];

/** A number, or what was entered in its place; the server says what is wrong with that. Null for nothing. */
export type Entered = number | string | null;

export type Agent = {
  readonly name: string;
  /** One of the site's agent colours (theme.css); null for the one of its position. */
  readonly color: number | null;
  readonly role: string;
  readonly instructions: string;
  /** A provider's label; null for the first available one. */
  readonly model: string | null;
  /** Null for the model's default. */
  readonly temperature: Entered;
  readonly streaming: boolean;
  readonly tools: readonly string[];
};

export type Team = {
  readonly name: string;
  readonly description: string;
  readonly rounds: Entered;
  /** In speaking order. */
  readonly agents: readonly Agent[];
  /** The model of the Moderator; null if nobody judges. */
  readonly judge: { readonly model: string | null } | null;
};

export type Version = { readonly version: number; readonly created_at: string };

/** A stored team with one of its versions; `versions` are newest first. */
export type Saved = {
  readonly id: string;
  readonly version: number;
  readonly newest_version: number;
  readonly changed_at: string;
  readonly panel: Team;
  readonly versions: readonly Version[];
};

/** What the server allows. `limits` count agents, rounds and characters. */
export type Options = {
  readonly models: readonly string[];
  readonly default_model: string;
  readonly tools: readonly { readonly name: string; readonly description: string }[];
  readonly limits: Readonly<
    Record<"agents" | "rounds" | "instructions" | "temperature", number>
  >;
};

/** An agent in the editor: `key` stays while its position changes. */
export type EditedAgent = Agent & { readonly key: number };

export type EditedTeam = Omit<Team, "agents"> & { readonly agents: readonly EditedAgent[] };

let lastKey = 0;

export function edited({ agents, ...team }: Team): EditedTeam {
  return { ...team, agents: agents.map((agent) => ({ ...agent, key: ++lastKey })) };
}

/** As the API takes it. The fields are in one order, so that equal teams have the same JSON. */
export function plain({ name, description, rounds, agents, judge }: Team): Team {
  return { name, description, rounds, agents: agents.map(plainAgent), judge };
}

function plainAgent({ name, color, role, instructions, model, temperature, streaming, tools }: Agent): Agent {
  return { name, color, role, instructions, model, temperature, streaming, tools };
}

export function blankTeam(): Team {
  return { name: "", description: "", rounds: 2, agents: [blankAgent(0)], judge: { model: null } };
}

function blankAgent(color: number): Agent {
  return { name: "", color, role: "", instructions: "", model: null, temperature: null, streaming: true, tools: [] };
}

/** The colour in which an agent is shown. */
export function colorOf({ color }: Agent, position: number): number {
  return color ?? position % COLORS.length;
}

/** The team with another agent at its end, in a colour that none has yet. */
export function withAgent(team: EditedTeam): EditedTeam {
  const taken = new Set(team.agents.map(colorOf));
  const free = COLORS.findIndex((_, color) => !taken.has(color));
  const agent = { ...blankAgent(free < 0 ? 0 : free), key: ++lastKey };
  return { ...team, agents: [...team.agents, agent] };
}

/** The team without an agent; the others keep the colours in which they are shown. */
export function withoutAgent(team: EditedTeam, key: number): EditedTeam {
  return { ...team, agents: coloured(team.agents).filter((agent) => agent.key !== key) };
}

/** The team with the agent at another position; each keeps the colour in which it is shown. */
export function moved(team: EditedTeam, key: number, to: number): EditedTeam {
  const agents = coloured(team.agents);
  const from = agents.findIndex((agent) => agent.key === key);
  agents.splice(to, 0, ...agents.splice(from, 1));
  return { ...team, agents };
}

function coloured<Any extends Agent>(agents: readonly Any[]): Any[] {
  return agents.map((agent, position) => ({ ...agent, color: colorOf(agent, position) }));
}

/** A number as a person enters it, with a point or a comma. */
export function entered(text: string): Entered {
  const number = Number(text.trim().replace(",", "."));
  if (text.trim() === "") return null;
  return Number.isNaN(number) ? text : number;
}

const TEAM_WORDS = { name: "name", description: "description", rounds: "rounds" } as const;
const AGENT_WORDS = {
  role: "role",
  instructions: "instructions",
  color: "colour",
  model: "model",
  temperature: "temperature",
  streaming: "streaming",
  tools: "tools",
} as const;

/** What a version has other than the one before, such as "Value: instructions, model". Agents are told by their names. */
export function changes(before: Team, after: Team): string[] {
  const own = different(TEAM_WORDS, before, after);
  const sentences = own.length === 0 ? [] : [`Team: ${own.join(", ")}`];
  if (JSON.stringify(before.judge) !== JSON.stringify(after.judge)) sentences.push("Judge");
  const earlier = new Map(coloured(before.agents).map((agent) => [agent.name, agent]));
  const names = after.agents.map(({ name }) => name);
  for (const agent of coloured(after.agents)) {
    const old = earlier.get(agent.name);
    const words = old ? different(AGENT_WORDS, old, agent) : [];
    if (old === undefined) sentences.push(`${agent.name} added`);
    else if (words.length > 0) sentences.push(`${agent.name}: ${words.join(", ")}`);
  }
  for (const { name } of before.agents) if (!names.includes(name)) sentences.push(`${name} removed`);
  const kept = before.agents.map(({ name }) => name).filter((name) => names.includes(name));
  if (kept.join("\n") !== names.filter((name) => earlier.has(name)).join("\n")) sentences.push("Order");
  return sentences;
}

/** The words of the fields that differ. */
function different<Thing extends object>(words: { readonly [Field in keyof Thing]?: string }, before: Thing, after: Thing): string[] {
  const entries = Object.entries(words) as [keyof Thing, string][];
  return entries.filter(([field]) => JSON.stringify(before[field]) !== JSON.stringify(after[field])).map(([, word]) => word);
}

// Writes src/protocol/events.gen.ts from the server's own description of its frames
// (`manage.py event_schema`). With --check it writes nothing and fails if the file is stale.
// Python is $PYTHON, or the project's virtual environment.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..");
const target = join(import.meta.dirname, "..", "src", "protocol", "events.gen.ts");
const local = join(root, ".venv", "bin", "python");
const python = process.env.PYTHON ?? (existsSync(local) ? local : "python3");

/** A JSON Schema as a TypeScript type. An unknown construct is an error rather than `any`. */
function typeOf(schema, indent = "") {
  if (schema.$ref) return schema.$ref.replace("#/$defs/", "");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const union = schema.anyOf ?? schema.oneOf;
  if (union) return union.map((part) => typeOf(part, indent)).join(" | ");
  switch (schema.type) {
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return `readonly ${schema.items.$ref || schema.items.type ? typeOf(schema.items, indent) : `(${typeOf(schema.items, indent)})`}[]`;
    case "object":
      if (schema.additionalProperties !== false) throw new Error(`open object: ${JSON.stringify(schema)}`);
      return objectOf(schema, indent);
    default:
      throw new Error(`no TypeScript for ${JSON.stringify(schema)}`);
  }
}

function objectOf(schema, indent) {
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length === 0) return "Record<string, never>";
  const required = new Set(schema.required ?? []);
  const lines = properties.map(([name, property]) => {
    const optional = required.has(name) ? "" : "?";
    return `${indent}  ${name}${optional}: ${typeOf(property, `${indent}  `)};`;
  });
  return `{\n${lines.join("\n")}\n${indent}}`;
}

function comment(text) {
  return text ? `/** ${text.replaceAll("*/", "* /").split("\n").join("\n * ")} */\n` : "";
}

const schema = JSON.parse(
  execFileSync(python, [join(root, "manage.py"), "event_schema"], { encoding: "utf8", cwd: root }),
);
const types = Object.entries(schema.$defs).map(
  ([name, definition]) => `${comment(definition.description)}export type ${name} = ${typeOf(definition)};\n`,
);
const generated = `// Generated from conversations/domain/events.py by \`npm run types\`. Do not edit.\n\n${types.join("\n")}`;

if (!process.argv.includes("--check")) {
  writeFileSync(target, generated);
} else if (!existsSync(target) || readFileSync(target, "utf8") !== generated) {
  console.error("src/protocol/events.gen.ts is stale: run `npm run types` in frontend/ and commit it.");
  process.exit(1);
}

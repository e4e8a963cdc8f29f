// Writes the types of frames and of the monitor's figures from the server's own description of them
// (`manage.py event_schema`). With --check it writes nothing and fails if a file is stale.
// Python is $PYTHON, or the project's virtual environment.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..");
/** Each schema's file below src/, and what the schema is made from. */
const FILES = {
  events: ["protocol/events.gen.ts", "conversations/domain/events.py"],
  figures: ["monitor/figures.gen.ts", "streaming/monitoring/dashboard.py"],
};
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
      return `readonly ${schema.items.$ref || (schema.items.type && schema.items.type !== "array") ? typeOf(schema.items, indent) : `(${typeOf(schema.items, indent)})`}[]`;
    case "object":
      if (!schema.additionalProperties) return objectOf(schema, indent);
      return `Record<${typeOf(schema.propertyNames ?? { type: "string" })}, ${typeOf(schema.additionalProperties)}>`;
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

/** Frames differ only in their type and data, so they share a generic type: its text, and its name. */
const forms = new Map();

function frameOf({ properties, ...schema }) {
  const generic = { ...properties, type: { $ref: "Type" }, data: { $ref: "Data" } };
  const form = objectOf({ ...schema, properties: generic }, "");
  if (!forms.has(form)) forms.set(form, properties.after ? "Stored" : "Unstored");
  return `${forms.get(form)}<${typeOf(properties.type)}, ${typeOf(properties.data)}>`;
}

function comment(text) {
  return text ? `/** ${text.replaceAll("*/", "* /").split("\n").join("\n * ")} */\n` : "";
}

const schemas = JSON.parse(
  execFileSync(python, [join(root, "manage.py"), "event_schema"], { encoding: "utf8", cwd: root }),
);
for (const [name, [file, source]] of Object.entries(FILES)) {
  forms.clear();
  const types = Object.entries(schemas[name].$defs).map(([name, definition]) => {
    const type = definition.properties?.type?.const ? frameOf(definition) : typeOf(definition);
    return `${comment(definition.description)}export type ${name} = ${type};\n`;
  });
  for (const [form, name] of forms) types.push(`type ${name}<Type, Data> = ${form};\n`);
  const generated = `// Generated from ${source} by \`npm run types\`. Do not edit.\n\n${types.join("\n")}`;
  const target = join(import.meta.dirname, "..", "src", file);
  if (!process.argv.includes("--check")) {
    writeFileSync(target, generated);
  } else if (!existsSync(target) || readFileSync(target, "utf8") !== generated) {
    console.error(`src/${file} is stale: run \`npm run types\` in frontend/ and commit it.`);
    process.exitCode = 1;
  }
}

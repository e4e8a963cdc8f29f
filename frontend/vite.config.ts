import tailwindcss from "@tailwindcss/vite";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Of the Markdown library only what reads tokens: it also makes a writer of HTML whenever it is loaded. */
const tokensOnly: Plugin = {
  name: "tokens-only",
  transform: {
    filter: { id: /\/marked\.esm\.js$/ },
    handler(code) {
      const writer = code.search(/var \w+=new \w+;function \w+\(\w+,\w+\)\{return \w+\.parse\(/);
      const needed = /\w+ as (?:Lexer|Tokenizer|getDefaults)\b/g;
      if (writer === -1) this.error("marked has another shape: see what of it the pages need");
      return { code: `${code.slice(0, writer)}export{${code.slice(writer).match(needed)?.join(",")}};`, map: null };
    },
  },
};

export default defineConfig({
  base: "/static/",
  plugins: [tailwindcss(), tokensOnly],
  build: {
    outDir: "dist",
    manifest: "manifest.json",
    // Fonts stay files: the pages' policy loads them from this site, not from data: addresses.
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: ["src/pages/main.ts", "src/pages/account.ts", "src/pages/dashboard.ts", "src/pages/history.ts", "src/pages/forms.ts", "src/pages/live.ts", "src/pages/monitor.ts", "src/pages/teams.ts"],
      // One file for what most pages share: each request costs as much as a small module.
      output: { codeSplitting: { groups: [{ name: "base", test: /node_modules\/(?:@lit|lit)|src\/shared\/(?:clipboard|http|key|page-element|timers)|src\/client\/|src\/transcript\/unsent|decorate|page-status/ }] } },
    },
  },
  // Tests read the recordings, which Python's tests read, too.
  server: { fs: { allow: [".", "../tests/recordings"] } },
  test: {
    environment: "jsdom",
    pool: "vmThreads",
    include: ["src/**/*.test.ts"],
  },
});

import tailwindcss from "@tailwindcss/vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "/static/",
  plugins: [tailwindcss()],
  build: {
    outDir: "dist",
    manifest: "manifest.json",
    // Fonts stay files: the pages' policy loads them from this site, not from data: addresses.
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: ["src/pages/main.ts", "src/pages/account.ts", "src/pages/dashboard.ts", "src/pages/history.ts", "src/pages/live.ts", "src/pages/monitor.ts", "src/pages/teams.ts"],
      // One file for what most pages share: each request costs as much as a small module.
      output: { codeSplitting: { groups: [{ name: "base", test: /node_modules\/(?:@lit|lit)|src\/shared\/(?:clipboard|http|key|page-element)|src\/client\/|decorate|page-status/ }] } },
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

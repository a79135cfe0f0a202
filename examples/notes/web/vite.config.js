import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

// `npm run dev` serves the page; the API answers it from where it was deployed.
export default defineConfig(({ command }) => ({
  build: { target: "es2022", modulePreload: { polyfill: false } },
  server: command === "serve" ? { proxy: { "/api": deployedApi() } } : undefined,
}));

function deployedApi() {
  const outputs = JSON.parse(readFileSync(new URL("public/amplify_outputs.json", import.meta.url)));
  const { origin, pathname } = new URL(outputs.custom.API.Api.endpoint);
  const rewrite = (path) => path.replace(/^\/api/, pathname.replace(/\/$/, ""));
  return { target: origin, changeOrigin: true, rewrite };
}

const [who, port, gap, n] = process.argv.slice(2);
const { default: OpenAI } = await import(who === "openai" ? "openai" : "kneepoint/openai");
const client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: "k" });
const errs = {}; let ok = 0; const ms = [];
await Promise.all(Array.from({ length: 20 }, async (_, w) => { for (let i = 0; i < +n; i++) { const t = performance.now(); try { await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }] }); ok++; } catch (e) { errs[e.message] = (errs[e.message] ?? 0) + 1; } ms.push(performance.now() - t); await new Promise((r) => setTimeout(r, +gap - 20 + Math.random() * 60)); } }));
ms.sort((a, b) => a - b);
console.log(who, "ok", ok, JSON.stringify(errs), "p50", ms[ms.length >> 1].toFixed(0), "p99", ms[Math.floor(ms.length * .99)].toFixed(0), "max", ms.at(-1).toFixed(0)); process.exit();

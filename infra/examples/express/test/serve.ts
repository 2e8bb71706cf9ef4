/** Serves the real app on a free port of loopback: prints its URL, then runs each line of its input as SQL and prints the rows. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";

import { createApp } from "../src/app.js";
import { Memory } from "./memory.js";

const memory = new Memory();
const server = createServer(createApp(memory, process.env.KAKAO_DELIVERY_SECRET ?? ""));
await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify(memory.rows(line)));
process.exit();

import pg from "pg";

import { createApp } from "./app.js";
import type { Database } from "./follow-up.js";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });

const database: Database = {
  async transaction(work) {
    const client = await pool.connect();
    try {
      await client.query("begin");
      await work({ run: async (statement, values) => (await client.query(statement, values)).rowCount ?? 0 });
      await client.query("commit");
    } catch (error) {
      await client.query("rollback");
      throw error;
    } finally {
      client.release();
    }
  },
};

const secret = process.env.KAKAO_DELIVERY_SECRET;
if (secret === undefined) throw new Error("Set KAKAO_DELIVERY_SECRET to the secret of the delivery (whsec_…).");
createApp(database, secret).listen(8080);

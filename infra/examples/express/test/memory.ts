import initSqlJs from "sql.js";

import { type Database, SCHEMA, type Sql } from "../src/follow-up.js";

const { Database: Sqlite } = await initSqlJs();

/** An SQLite database in memory. Its statements end at once, so that no other transaction comes between them. */
export class Memory implements Database, Sql {
  private readonly sqlite = new Sqlite();

  constructor() {
    this.sqlite.run(SCHEMA);
  }

  /** Runs a statement and returns its rows. */
  rows(statement: string): unknown[][] {
    return this.sqlite.exec(statement)[0]?.values ?? [];
  }

  async run(statement: string, values: (string | number | boolean)[]): Promise<number> {
    this.sqlite.run(statement, values.map((value) => (typeof value === "boolean" ? Number(value) : value)));
    return this.sqlite.getRowsModified();
  }

  async transaction(work: (sql: Sql) => Promise<void>): Promise<void> {
    this.sqlite.run("begin");
    try {
      await work(this);
      this.sqlite.run("commit");
    } catch (error) {
      this.sqlite.run("rollback");
      throw error;
    }
  }
}

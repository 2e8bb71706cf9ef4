import express, { type Express } from "express";
import { Webhook } from "standardwebhooks";

import { type Change, type Database, follow } from "./follow-up.js";

interface Delivery {
  type: string;
  data: Change;
}

/** Receives the signed requests of kakao-webhooks at `POST /kakao`. */
export function createApp(database: Database, secret: string): Express {
  const webhook = new Webhook(secret);

  // undefined: the signature is wrong, or the request is older than five minutes.
  const verified = (body: unknown, headers: unknown): Delivery | undefined => {
    try {
      return webhook.verify(body as Buffer, headers as Record<string, string>) as Delivery;
    } catch {
      return undefined;
    }
  };

  const app = express();
  // The signature is over the bytes as they came: no JSON parser before it.
  app.post("/kakao", express.raw({ type: () => true, limit: "256kb" }), async (request, response) => {
    const delivery = verified(request.body, request.headers);
    if (delivery === undefined) {
      response.sendStatus(401);
      return;
    }
    if (delivery.type === "user.changed") await database.transaction((sql) => follow(sql, delivery.data));
    response.sendStatus(204);
  });
  return app;
}

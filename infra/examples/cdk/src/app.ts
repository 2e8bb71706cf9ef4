import { readFileSync } from "node:fs";
import { App } from "aws-cdk-lib";
import { KakaoWebhooks } from "./kakao-webhooks.js";

const app = new App();
new KakaoWebhooks(app, "kakao-webhooks", {
  template: "packaged.json",
  settings: JSON.parse(readFileSync("settings.json", "utf-8")),
  env: { account: process.env["CDK_DEFAULT_ACCOUNT"], region: "ap-northeast-2" },
});

// Reads what a receiver had and says whether the official library of npm takes it for ours.
const path = require("node:path");
const target = path.join(__dirname, "../../../../../target/standardwebhooks/node_modules/standardwebhooks");
const { Webhook, WebhookVerificationError } = require(target);

const asked = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
try {
  new Webhook(asked.secret).verify(asked.body, asked.headers);
  console.log("good");
} catch (fault) {
  if (!(fault instanceof WebhookVerificationError)) throw fault;
  console.log("bad");
}

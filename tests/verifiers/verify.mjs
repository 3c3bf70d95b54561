// Reads {"secret", "headers", "text"} and prints what the reference implementation says: "good", or why not.
import { readFileSync } from "node:fs";
import { Webhook } from "standardwebhooks";

const { secret, headers, text } = JSON.parse(readFileSync(0, "utf8"));
try {
  new Webhook(secret).verify(text, headers);
  console.log("good");
} catch (error) {
  console.log(error.message);
}

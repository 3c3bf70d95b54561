"""Reads {"secret", "headers", "text"} and prints what the reference implementation says: "good", or why not."""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

given = json.load(sys.stdin)
try:
    Webhook(given["secret"]).verify(given["text"], given["headers"])
    print("good")
except WebhookVerificationError as error:
    print(error)

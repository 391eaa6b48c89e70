# Reads what a receiver had and says whether the official library of PyPI takes it for ours.
import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

asked = json.load(sys.stdin)
try:
    Webhook(asked["secret"]).verify(asked["body"], asked["headers"])
    print("good")
except WebhookVerificationError:
    print("bad")

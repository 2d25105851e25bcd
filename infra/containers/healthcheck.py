"""Sends a real request to an MLflow server, with the host name that its clients use.

`/health` answers OK even without the database, and to host names that all other paths refuse.
"""

import json
import sys
import urllib.request

url, host = sys.argv[1:]
request = urllib.request.Request(
    f"{url}/api/2.0/mlflow/experiments/search",
    data=json.dumps({"max_results": 1}).encode(),
    headers={"Content-Type": "application/json", "Host": host},
)
with urllib.request.urlopen(request, timeout=5) as answer:
    json.load(answer)["experiments"]

"""Asks an MLflow server a real question under the host name that its clients use.

`/health` answers OK without the database, and to host names that every other path refuses.
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

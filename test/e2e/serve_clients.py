"""Asks a server as clients of `mlflow models serve` do, and prints the answers as JSON."""

import json
import sys
from urllib.parse import urlsplit

import pandas as pd
import requests
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

url, file = sys.argv[1:]
rows = pd.read_csv(file)
place = urlsplit(url)
client = ScoringServerClient(place.hostname, place.port)
client.wait_server_ready(timeout=60)
shares = client.invoke(rows, params={"proba": True}).get_predictions()


def post(body, **headers):
    answer = requests.post(f"{url}/invocations", headers=headers, **body)
    return {"status": answer.status_code, **answer.json()}


print(
    json.dumps(
        {
            "mlflow": client.invoke(rows).get_predictions()[0].tolist(),
            "most_likely": shares.idxmax(axis="columns").tolist(),
            "json": post({"json": {"dataframe_split": json.loads(rows.to_json(orient="split"))}}),
            "csv": post({"data": rows.to_csv(index=False)}, **{"content-type": "text/csv"}),
            "bad": post({"json": {"inputs": [["wide", 1, 2, 3]]}}),
        }
    )
)

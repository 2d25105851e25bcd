"""What models answer for the rows of a file, all loaded by stock MLflow in one process: a list for each, as JSON.

Usage: load_models.py ROWS.csv MODEL_URI…
"""

import json
import sys

import mlflow
import pandas as pd

rows = pd.read_csv(sys.argv[1])
models = [mlflow.pyfunc.load_model(uri) for uri in sys.argv[2:]]
print(json.dumps([pd.Series(model.predict(rows)).tolist() for model in models]))

"""What scikit-learn makes of a logged model on some files of raw rows, as a JSON list.

Usage: score_model.py TRACKING_URI MODEL_URI TARGET ROWS.csv …
"""

import json
import sys

import mlflow
import pandas as pd
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

tracking_uri, model_uri, target, *files = sys.argv[1:]
mlflow.set_tracking_uri(tracking_uri)
model = mlflow.pyfunc.load_model(model_uri)


def scores(rows):
    data = pd.read_csv(rows)
    actual = data.pop(target)
    predicted = model.predict(data)
    return {
        "rmse": root_mean_squared_error(actual, predicted),
        "mae": mean_absolute_error(actual, predicted),
        "r2": r2_score(actual, predicted),
        "test_rows": len(actual),
    }


print(json.dumps([scores(rows) for rows in files]))

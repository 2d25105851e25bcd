"""evaluate N: scores the model on the test rows, writes a file and logs to the run that train started."""

import json

import joblib
import mlflow
import pandas as pd
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from common import METRICS, MODELS, PROCESSED, batch_number, params

batch = batch_number()
settings = params()
target = settings["data"]["target"]
test = pd.read_csv(PROCESSED / f"test_{batch}.csv")
model = joblib.load(MODELS / f"model_{batch}.joblib")
predicted = model.predict(test.drop(columns=target))
metrics = {
    "accuracy": accuracy_score(test[target], predicted),
    "balanced_accuracy": balanced_accuracy_score(test[target], predicted),
    "f1_macro": f1_score(test[target], predicted, average="macro"),
}
METRICS.mkdir(parents=True, exist_ok=True)
(METRICS / f"batch_{batch}.json").write_text(json.dumps(metrics))

mlflow.set_tracking_uri(settings["mlflow"]["tracking_uri"])
with mlflow.start_run(run_id=(MODELS / f"run_{batch}.txt").read_text()):
    mlflow.log_metrics(metrics, step=batch)

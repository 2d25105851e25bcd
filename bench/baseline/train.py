"""train N: fits a decision tree on all train rows and logs params, metrics and the model to MLflow."""

import joblib
import mlflow
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from common import MODELS, PROCESSED, batch_number, params

batch = batch_number()
settings = params()
target = settings["data"]["target"]
train = pd.read_csv(PROCESSED / f"train_{batch}.csv")
model = DecisionTreeClassifier(max_depth=settings["model"]["max_depth"], random_state=42)
model.fit(train.drop(columns=target), train[target])
MODELS.mkdir(parents=True, exist_ok=True)
joblib.dump(model, MODELS / f"model_{batch}.joblib")

mlflow.set_tracking_uri(settings["mlflow"]["tracking_uri"])
mlflow.set_experiment(settings["mlflow"]["experiment_name"])
with mlflow.start_run(run_name=f"batch_{batch}") as run:
    mlflow.log_params(settings["model"] | {"batch": batch, "train_rows": len(train)})
    mlflow.log_input(mlflow.data.from_pandas(train, name="train", targets=target), "training")
    mlflow.sklearn.log_model(
        model,
        name="model",
        registered_model_name=settings["mlflow"]["experiment_name"],
        serialization_format="cloudpickle",
    )
    (MODELS / f"run_{batch}.txt").write_text(run.info.run_id)

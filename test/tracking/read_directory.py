"""What stock MLflow reads of a run in a directory, and in the database it migrates that to: as JSON.

Usage: read_directory.py HOME EXPERIMENT RUN_ID MODEL_ID ROWS.csv, where HOME/mlruns is the directory
"""

import json
import sys
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.cli import cli

home, experiment, run_id, model_id, rows = sys.argv[1:]
directory = (Path(home) / "mlruns").as_uri()
database = f"sqlite:///{home}/mlflow.db"


def read(uri):
    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    run = client.get_run(run_id)
    table = mlflow.search_runs(
        experiment_names=[experiment],
        filter_string="params.depth = '5' and metrics.accuracy > 0.8 and tags.attempt = 'a'",
    )
    model = client.get_logged_model(model_id)
    models = mlflow.search_logged_models(
        experiment_ids=[run.info.experiment_id], output_format="list"
    )
    data = pd.read_csv(rows)

    def history(metric):
        points = client.get_metric_history(run_id, metric)
        return [[point.timestamp, str(point.value), point.step] for point in points]

    return {
        "info": [run.info.run_name, run.info.status, run.info.start_time, run.info.end_time],
        "params": run.data.params,
        "tags": {key: value for key, value in run.data.tags.items() if key != "mlflow.user"},
        "metrics": {key: history(key) for key in sorted(run.data.metrics)},
        "datasets": sorted(
            [one.dataset.name, one.dataset.digest, one.dataset.source, one.tags[0].value]
            for one in run.inputs.dataset_inputs
        ),
        "model_inputs": [one.model_id for one in run.inputs.model_inputs],
        "model_outputs": [[one.model_id, one.step] for one in run.outputs.model_outputs],
        "found": list(table["run_id"]),
        "models": [one.model_id for one in models],
        "model": [model.name, str(model.status), model.source_run_id, model.params, model.tags],
        "scores": sorted(
            [one.key, str(one.value), one.step, one.dataset_name, one.dataset_digest]
            for one in model.metrics
        ),
        "artifacts": [file.path for file in client.list_artifacts(run_id, "metrics")],
        "text": mlflow.artifacts.load_text(f"{run.info.artifact_uri}/metrics/batch 3.json"),
        "by_model": list(mlflow.pyfunc.load_model(f"models:/{model_id}").predict(data)),
        "by_run": list(mlflow.pyfunc.load_model(f"runs:/{run_id}/model").predict(data)),
    }


before = read(directory)
cli(["migrate-filestore", "--source", home, "--target", database], standalone_mode=False)
print(json.dumps({"directory": before, "database": read(database)}))

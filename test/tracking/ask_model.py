"""Asks a model, loaded by stock MLflow, for the rows of a file, read in every way in which pandas reads one.

Prints for each model and each way the number of rows whose answer is another than the expected one, as JSON.
Usage: ask_model.py [MODEL_URI ROWS.csv EXPECTED.json]…, where EXPECTED holds the answers and how the file is written
"""

import json
import sys

import mlflow
import numpy as np
import onnxruntime
import pandas as pd
from sklearn.metrics import accuracy_score


def to_utc(column):
    return column.dt.tz_localize("UTC") if column.dtype.kind == "M" else column


def to_dates(column):
    return [None if pd.isna(day) else pd.Timestamp(day).date() for day in column]


def ask_onnx(model_uri, cells):
    folder = mlflow.artifacts.download_artifacts(model_uri)
    session = onnxruntime.InferenceSession(f"{folder}/model.onnx")
    kinds = {"tensor(double)": np.float64, "tensor(string)": object}
    columns = {
        one.name: np.array(cells[one.name], dtype=kinds[one.type]).reshape(-1, 1)
        for one in session.get_inputs()
    }
    return session.run(["label", "probabilities"], columns)


def ask(model_uri, rows, asked):
    target, dates = asked["target"], asked["dates"]
    expected = np.array(asked["answers"])
    model = mlflow.pyfunc.load_model(model_uri)

    def read(**options):
        return pd.read_csv(rows, sep=asked["delimiter"], **options)

    text = read(dtype=str, keep_default_na=False)
    plain = read()
    ways = {
        "read_csv": plain,
        "text": text,
        "text with missing cells": read(dtype=str),
        "objects": read(dtype=object),
        "parsed dates": read(parse_dates=dates),
        "parsed dates with a time zone": read(parse_dates=dates).apply(to_utc),
        "dates as objects": plain.assign(**{name: to_dates(plain[name]) for name in dates}),
        "parsed numbers": read(decimal=asked["decimal"]),
        "nullable": read(dtype_backend="numpy_nullable"),
        "pyarrow": read(dtype_backend="pyarrow"),
        "categories": plain.astype("category"),
        "categories of text": text.astype("category"),
        "the Python parser": read(engine="python"),
        "records": pd.DataFrame(plain.to_dict(orient="records")),
        "JSON": pd.DataFrame(json.loads(plain.to_json(orient="records"))),
        "None for missing cells": plain.astype(object).where(plain.notna(), None),
        "columns in another order": plain[sorted(plain.columns, reverse=True)],
        "rows of another index": plain.set_index(pd.Index(range(7, 7 + len(plain)))),
    }
    wrong = {way: int((model.predict(frame) != expected).sum()) for way, frame in ways.items()}
    few = range(0, len(plain), 97)
    alone = [model.predict(plain.iloc[[row]])[0] for row in few]
    wrong["one row at a time"] = int((np.array(alone) != expected[few]).sum())
    answers, labels = model.predict(plain), plain[target]
    shares = model.predict(plain, params={"proba": True})
    # From Python 3.12 on, the sum of shares by which they are divided has another last bit.
    labels_onnx, shares_onnx = ask_onnx(model_uri, asked["cells"])
    report = {
        "wrong": wrong,
        "types": [spec.type.name for spec in model.metadata.signature.inputs.inputs],
        "kind": answers.dtype.kind,
        "equal": float((answers == labels).mean()),
        "accuracy": accuracy_score(labels, answers),
        "example": len(model.predict(model.input_example)),
        "shares": list(shares.columns),
        "wrong_onnx": int((labels_onnx != answers).sum() + (abs(shares_onnx - shares) > 1e-15).to_numpy().sum()),
        "wrong_shares": int((abs(shares.max(axis=1) - asked["probabilities"]) > 1e-12).sum()),
        "wrong_sums": int((abs(shares.sum(axis=1) - 1) > 1e-12).sum() + (shares > 1).to_numpy().sum()),
        "wrong_best": int((shares.to_numpy().argmax(axis=1) != asked["classes"]).sum()),
    }
    if asked["evaluate"]:
        found = mlflow.models.evaluate(model, plain, targets=target, model_type="classifier")
        report["evaluate"] = found.metrics["accuracy_score"]
    return report


reports = []
for model_uri, rows, file in zip(*[iter(sys.argv[1:])] * 3):
    with open(file, encoding="utf-8") as opened:
        reports.append(ask(model_uri, rows, json.load(opened)))
print(json.dumps(reports))

"""Asks onnxruntime for the predictions of models, and compares them with expected ones, bit by bit.

Prints for each model the number of rows with another answer, and the index of the first of them, as JSON.
Usage: ask_onnx.py CASES.json, a list of {"name", "file", "cells", "expected"}
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime

NUMPY = {"tensor(double)": np.float64, "tensor(string)": object}


def to_text(label):
    return str(label).lower() if isinstance(label, (bool, np.bool_)) else str(label)


def find_wrong(case):
    onnx.checker.check_model(case["file"], full_check=True)
    session = onnxruntime.InferenceSession(case["file"])
    feeds = {
        one.name: np.array(case["cells"][one.name], dtype=NUMPY[one.type]).reshape(-1, 1)
        for one in session.get_inputs()
    }
    answers, expected = session.run(None, feeds), case["expected"]
    if "numbers" in expected:
        (numbers,) = answers
        return numbers != np.array(expected["numbers"])
    labels, shares = answers
    if labels.dtype == np.float64:
        wrong = labels != np.array(expected["labels"], dtype=np.float64)
    else:
        wrong = np.array([to_text(label) for label in labels]) != np.array(expected["labels"])
    return wrong | (shares != np.array(expected["shares"])).any(axis=1)


report = {}
with open(sys.argv[1], encoding="utf-8") as opened:
    for case in json.load(opened):
        wrong = find_wrong(case)
        report[case["name"]] = [len(wrong), int(wrong.sum()), int(wrong.argmax())]
print(json.dumps(report))

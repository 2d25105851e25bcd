"""Loads a decision tree in ml-cart's JSON as an MLflow model that predicts from raw columns."""

import json
from pathlib import Path

import pandas as pd


def _codes(feature, column):
    """A raw column as the numbers the tree was trained on."""
    if feature["type"] == "number":
        median = feature.get("median")
        usual = float("nan") if median is None else median
        return [usual if _missing(value) else float(value) for value in column]
    code = {word: index for index, word in enumerate(feature["categories"])}
    usual = code.get(feature.get("most_frequent"), -1)
    return [usual if _missing(value) else _code(code, value) for value in column]


def _missing(value):
    return pd.isna(value) or value == ""


def _code(code, value):
    # pandas may have read the words 7 and true as 7.0 and True.
    whole = isinstance(value, float) and value.is_integer()
    spellings = (str(value), str(int(value)) if whole else "", str(value).lower())
    return next((code[word] for word in spellings if word in code), -1)


def _leaf(node, row):
    while node.get("left") and node.get("right"):
        # As in ml-cart, a value that is no number compares as not less, and goes right.
        node = node["left" if row[node["splitColumn"]] < node["splitValue"] else "right"]
    return node["distribution"]


class TreeModel:
    def __init__(self, model, encoder):
        self.root = model["root"]
        self.encoder = encoder

    def predict(self, data, params=None):
        features = self.encoder["features"]
        absent = [f["name"] for f in features if f["name"] not in data.columns]
        if absent:
            raise ValueError(f"missing columns: {', '.join(absent)}")
        columns = [_codes(feature, data[feature["name"]]) for feature in features]
        leaves = [_leaf(self.root, row) for row in zip(*columns)]
        return [self._answer(leaf) for leaf in leaves]

    def _answer(self, leaf):
        if not isinstance(leaf, list):
            return leaf  # a regression's leaf is the number itself
        shares = leaf[0]  # a matrix of one row; the first of equals wins, as in ml-cart
        return self.encoder["classes"][shares.index(max(shares))]


def _load_pyfunc(path):
    model, encoder = (
        json.loads(Path(path, name).read_text(encoding="utf-8"))
        for name in ("model.json", "encoder.json")
    )
    return TreeModel(model, encoder)

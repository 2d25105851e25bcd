"""Loads a model for MLflow, which predicts from raw columns. Every model type is stored as JSON of ml-cart."""

import json
import math
import re
from pathlib import Path

import pandas as pd

# Training reads cells with ECMAScript, so its white space and its decimals apply here too.
SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def _codes(feature, column, missing):
    """Returns a raw column as numbers, encoded as in training."""
    if feature["type"] == "number":
        median = feature.get("median")
        usual = float("nan") if median is None else median
        return [
            usual if _missing(value, missing) else _number(feature["name"], value)
            for value in column
        ]
    code = {word: index for index, word in enumerate(feature["categories"])}
    usual = code.get(feature.get("most_frequent"), -1)
    return [usual if _missing(value, missing) else _code(code, value) for value in column]


def _missing(value, missing):
    return pd.isna(value) or any(text in missing for text in _spellings(value))


def _number(name, value):
    if isinstance(value, str):
        text = value.strip(SPACE)
        number = float(text) if DECIMAL.fullmatch(text) else math.nan
    else:
        number = float(value)
    if not math.isfinite(number):
        raise ValueError(f'column "{name}": {value!r} is not a number')
    return number + 0.0  # never -0


def _code(code, value):
    return next((code[word] for word in _spellings(value) if word in code), -1)


def _spellings(value):
    """Returns the cell texts that pandas may have read a value from."""
    if isinstance(value, str):
        return [value.strip(SPACE)]
    # pandas may have read the words 7 and true as 7.0 and True.
    whole = isinstance(value, float) and value.is_integer()
    return [str(value), *([str(int(value))] if whole else []), str(value).lower()]


def _leaf(node, row):
    while node.get("left") and node.get("right"):
        # As in ml-cart, NaN is not less than any number, so it goes right.
        node = node["left" if row[node["splitColumn"]] < node["splitValue"] else "right"]
    return node["distribution"]


class TreeModel:
    def __init__(self, model, encoder, cells):
        self.root = model["root"]
        self.encoder = encoder
        self.missing = set(cells["missing"])

    def predict(self, data, params=None):
        features = self.encoder["features"]
        absent = [f["name"] for f in features if f["name"] not in data.columns]
        if absent:
            raise ValueError(f"missing columns: {', '.join(absent)}")
        columns = [_codes(feature, data[feature["name"]], self.missing) for feature in features]
        leaves = [_leaf(self.root, row) for row in zip(*columns)]
        return [self._answer(leaf) for leaf in leaves]

    def _answer(self, leaf):
        if not isinstance(leaf, list):
            return leaf  # a regression's leaf is the number itself
        shares = leaf[0]  # a matrix of one row; the first of equal shares wins, as in ml-cart
        return self.encoder["classes"][shares.index(max(shares))]


def _load_pyfunc(path):
    names = ("model.json", "encoder.json", "cells.json")
    return TreeModel(*(json.loads(Path(path, name).read_text(encoding="utf-8")) for name in names))

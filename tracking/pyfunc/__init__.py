"""Loads a model for MLflow, which predicts from raw columns. Every model type is stored as JSON of ml-cart.

It needs numpy and pandas. A model is stored with the loader of its time, under a module name that no other loader has:
MLflow imports the loaders of all models into one process.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from .cells import MISSING, SPACE, UNSEEN, CellRule, date_part
from .tree import FlatTree

# The types of MLflow's signature that labels have.
LABELS = {
    "boolean": lambda words: np.array([word.lower() == "true" for word in words], dtype=bool),
    "long": lambda words: np.array([int(word) for word in words], dtype=np.int64),
    "double": lambda words: np.array([float(word) for word in words], dtype=np.float64),
    "string": lambda words: np.array(words, dtype=object),
}


class TreeModel:
    def __init__(self, model, encoder, cells):
        self.tree = FlatTree(model["root"])
        self.features = encoder["features"]
        # In an encoder of an earlier program the code of a word that no train row has is -1.
        self.filled = (MISSING, UNSEEN) if encoder.get("unseen") == "missing" else (MISSING,)
        self.rule = CellRule(cells)
        self.classes = encoder.get("classes")
        leaves = self.tree.distributions
        if self.classes is None:  # a regression's leaf is the number itself
            self.answers = np.array([np.nan if leaf is None else leaf for leaf in leaves])
            return
        # A leaf of classes is a matrix of one row. The first of equal shares wins, as in ml-cart.
        best = [0 if leaf is None else leaf[0].index(max(leaf[0])) for leaf in leaves]
        self.answers = LABELS[cells["labels"]](self.classes)[best]

    def predict(self, data, params=None):
        """Returns a label or a number per row; with the param "proba", the probability of each class.

        Labels have the type that pandas gives the column of labels. Probabilities are a DataFrame with a column for
        each class. A row that cannot be read raises MLflow's error, whose sentence the scoring server answers with;
        without MLflow a ValueError.
        """
        try:
            return self._answer(data, bool((params or {}).get("proba")))
        except ValueError as error:
            mlflow = sys.modules.get("mlflow")
            if mlflow is None:
                raise
            raise mlflow.MlflowException.invalid_parameter_value(str(error)) from error

    def _answer(self, data, proba):
        frame = self._to_frame(data)
        columns = [self._encode(feature, frame) for feature in self.features]
        leaves = self.tree.find_leaves(columns, len(frame))
        if not proba:
            return self.answers[leaves]
        if self.classes is None:
            raise ValueError("a regression has no probabilities: leave out the param proba")
        return pd.DataFrame(self._shares(leaves), columns=self.classes, index=frame.index)

    def _shares(self, leaves):
        reached, places = np.unique(leaves, return_inverse=True)
        shares = np.zeros((len(reached), len(self.classes)))
        for place, leaf in enumerate(reached):
            row = self.tree.distributions[leaf][0]  # up to the last class that occurs
            # ml-cart's shares are sums of rounded parts, and some are above 1.
            shares[place, : len(row)] = np.array(row) / sum(row)
        return shares[places]

    def _encode(self, feature, frame):
        name = feature.get("from", feature["name"])
        column = frame[name]
        if feature["type"] != "category":
            median = feature["median"]
            if feature["type"] == "number":
                numbers = self.rule.numbers(name, column)
            else:
                numbers = self.rule.dates(name, column)
                numbers = date_part(numbers, feature["part"]) if "part" in feature else numbers
            return np.where(np.isnan(numbers), np.nan if median is None else median, numbers)
        categories = feature["categories"]
        codes = self.rule.words(categories, column)
        frequent = feature["most_frequent"]
        usual = -1 if frequent is None else categories.index(frequent)
        return np.where(np.isin(codes, self.filled), usual, codes)

    def _to_frame(self, data):
        """Returns the columns of the features by their names, which training has trimmed."""
        names = list(dict.fromkeys(feature.get("from", feature["name"]) for feature in self.features))
        if not isinstance(data, pd.DataFrame):
            is_row = isinstance(data, dict) and all(np.isscalar(value) for value in data.values())
            data = pd.DataFrame([data] if is_row else data)
            if list(data.columns) == list(range(len(names))):
                data.columns = names
        if any(name not in data.columns for name in names):
            data = data.rename(columns=lambda name: str(name).strip(SPACE))
        absent = [name for name in names if name not in data.columns]
        if absent:
            raise ValueError(f"the data lacks columns {absent}, which the model needs: add them")
        twice = [name for name in names if isinstance(data[name], pd.DataFrame)]
        if twice:
            raise ValueError(f"the data has columns {twice} more than once: remove all but one")
        return data[names]


def _take_raw_cells():
    """Lets MLflow hand over the columns of this loader's models as they are.

    The signature says double and string, because the scoring server reads text/csv by its types. For a DataFrame
    MLflow then refuses whole numbers in a column of doubles, and anything but text in a column of strings, although
    this loader reads them. Models of other loaders are checked as before.
    """
    pyfunc = sys.modules.get("mlflow.pyfunc")
    check = getattr(pyfunc, "_enforce_schema", None)
    if check is None:
        return

    def enforce(data, schema, flavor=None):
        return data if flavor == __name__ else check(data, schema, flavor)

    pyfunc._enforce_schema = enforce


_take_raw_cells()


# The JSON of a tree is as deep as the tree, and model.max_depth is at most 1 000.
DEEPEST = 2000


def _load_pyfunc(path):
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, DEEPEST))
    try:
        names = ("model.json", "encoder.json", "cells.json")
        parts = [json.loads(Path(path, name).read_text(encoding="utf-8")) for name in names]
    finally:
        sys.setrecursionlimit(limit)
    return TreeModel(*parts)

"""What the loader of models makes of the cells in test/fixtures/cells.json: a JSON list of the cases that it reads otherwise.

Usage: check_cells.py LOADER_FOLDER CELLS.json
"""

import io
import json
import math
import sys

import pandas as pd

folder, file = sys.argv[1:]
sys.path.insert(0, folder)
from pyfunc import LABELS  # noqa: E402
from pyfunc.cells import MISSING, CellRule, date_part  # noqa: E402

with open(file, encoding="utf-8") as opened:
    cases = json.load(opened)
rule = CellRule(cases["settings"])
wrong = []


def numbers(column):
    try:
        return ["missing" if math.isnan(value) else value for value in rule.numbers("x", column)]
    except ValueError:
        return ["not a number"] * len(column)


def equal(a, b):
    return a == b and math.copysign(1, a) == math.copysign(1, b) if isinstance(a, float) else a == b


# Each cell alone, as every type of text, and then all numbers and all words as one column.
for dtype in (object, "string", "category"):
    for text, number, word in cases["cells"]:
        column = pd.Series([text], dtype=dtype)
        found = numbers(column)[0]
        expected = float(number) if isinstance(number, (int, float)) else number
        if not equal(found, expected):
            wrong.append([text, found, number])
        code = rule.words([] if word is None else [word], column)[0]
        if code != (MISSING if word is None else 0):
            wrong.append([text, code, word])
    known = [case for case in cases["cells"] if case[1] != "not a number"]
    found = numbers(pd.Series([text for text, _, _ in known], dtype=dtype))
    wrong += [case for case, value in zip(known, found) if value != case[1]]
    words = sorted({word for _, _, word in cases["cells"] if word is not None})
    found = rule.words(words, pd.Series([text for text, _, _ in cases["cells"]], dtype=dtype))
    for (text, _, word), code in zip(cases["cells"], found):
        if code != (MISSING if word is None else words.index(word)):
            wrong.append([text, code, word])

# Numbers of other countries, and dates, alone and as one column.
def read(rule, kind, texts):
    try:
        values = getattr(rule, kind)("x", pd.Series(texts, dtype=object))
    except ValueError:
        return ["not a number" if kind == "numbers" else "not a date"] * len(texts)
    return ["missing" if math.isnan(value) else value for value in values]


others = [(CellRule(settings), "numbers", cells) for settings, cells in cases["formats"]]
for other, kind, cells in [*others, (rule, "dates", cases["dates"])]:
    for text, expected in cells:
        found = read(other, kind, [text])[0]
        if found != expected:
            wrong.append([kind, text, found, expected])
    known = [case for case in cells if not str(case[1]).startswith("not a")]
    found = read(other, kind, [text for text, _ in known])
    wrong += [[kind, case, value] for case, value in zip(known, found) if value != case[1]]

# pandas may have parsed the dates, with and without a time zone.
days = [(text, value) for text, value in cases["dates"] if isinstance(value, float) and "-719162" not in str(value)]
for text, value in days:
    parsed = pd.Series([pd.Timestamp(text.strip())])
    if rule.dates("x", parsed)[0] != value:
        wrong.append(["a Timestamp", text, rule.dates("x", parsed)[0], value])
for text, parts in cases["date_parts"]:
    found = {part: date_part(rule.dates("x", pd.Series([text])), part)[0] for part in parts}
    if found != parts:
        wrong.append([text, str(found), parts])

# Labels have the values that pandas reads from a file with them.
for classes, label_type in cases["labels"]:
    read = pd.read_csv(io.StringIO("\n".join(["y", *(f'"{word}"' for word in classes)])))["y"]
    labels = LABELS[label_type](classes)
    kind = "O" if label_type == "string" else read.dtype.kind
    if labels.dtype.kind != kind or not (labels == read).all():
        wrong.append([classes, str(labels.dtype), str(read.dtype)])

print(json.dumps(wrong, default=str))

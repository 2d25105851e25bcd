"""Fits a scikit-learn tree and prints rows predicted per processor second; predict.ts runs it."""

import json
import sys
import time

import numpy as np
from sklearn.tree import DecisionTreeClassifier


def table_of(job, name):
    rows, width = job[name]["rows"], job["width"]
    table = np.memmap(job[name]["file"], dtype=np.float64, mode="r").reshape(width + 2, rows)
    # float32 in row order is scikit-learn's own layout, so no time is spent on conversion.
    return np.ascontiguousarray(table[:width].T, dtype=np.float32), np.array(table[width])


def main():
    job = json.loads(sys.argv[1])
    features, target = table_of(job, "train")
    model = DecisionTreeClassifier(random_state=0, max_depth=job["max_depth"]).fit(features, target)
    others, _ = table_of(job, "test")
    speeds = []
    for _ in range(job["repeats"]):
        start = time.process_time()
        model.predict(others)
        speeds.append(len(others) / (time.process_time() - start))
    print(json.dumps({"speeds": speeds, "leaves": int(model.get_n_leaves())}))


if __name__ == "__main__":
    main()

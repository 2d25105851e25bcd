"""Fits scikit-learn's trees and prints the processor seconds; train.ts runs it: train_sklearn.py '{"file": …}'."""

import json
import sys
import time

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


def main():
    job = json.loads(sys.argv[1])
    rows, width = job["rows"], job["width"]
    table = np.memmap(job["file"], dtype=np.float64, mode="r").reshape(width + 2, rows)
    # float32 in row order is scikit-learn's own layout, so no time is spent on conversion.
    features = np.ascontiguousarray(table[:width].T, dtype=np.float32)
    is_class = job["kind"] == "classes"
    target = np.array(table[width if is_class else width + 1])
    took = []
    for _ in range(job["repeats"]):
        model = (DecisionTreeClassifier if is_class else DecisionTreeRegressor)(
            random_state=0, min_samples_leaf=job["minLeaf"], max_depth=job["maxDepth"]
        )
        start, begun = time.process_time(), time.perf_counter()
        model.fit(features, target)
        took.append({"cpu": time.process_time() - start, "wall": time.perf_counter() - begun})
    print(json.dumps({"took": took, "leaves": int(model.get_n_leaves())}))


if __name__ == "__main__":
    main()

"""Predicts a CSV file into another one with pandas and scikit-learn, and prints the seconds as JSON; ../predict.ts runs it."""

import json
import sys
import time

import pandas as pd
from sklearn.tree import DecisionTreeClassifier

job = json.loads(sys.argv[1])
train = pd.read_csv(job["train"])
model = DecisionTreeClassifier(random_state=0, max_depth=job["max_depth"])
model.fit(train.drop(columns="label"), train["label"])

cpu, wall = time.process_time(), time.perf_counter()
rows = pd.read_csv(job["rows"])
pd.DataFrame({"prediction": model.predict(rows)}).to_csv(job["out"], index=False)
print(json.dumps({"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}))

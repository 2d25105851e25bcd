"""preprocess N: fills in missing numbers and splits into train and test."""

import pandas as pd
from sklearn.model_selection import train_test_split

from common import MERGED, PROCESSED, batch_number, params

batch = batch_number()
settings = params()
frame = pd.read_csv(MERGED / f"merged_{batch}.csv")
frame = frame.fillna(frame.median(numeric_only=True))
train, test = train_test_split(frame, test_size=settings["split"]["test_size"], random_state=42)
PROCESSED.mkdir(parents=True, exist_ok=True)
train.to_csv(PROCESSED / f"train_{batch}.csv", index=False)
test.to_csv(PROCESSED / f"test_{batch}.csv", index=False)

"""prepare_batch N: rows (N-1)*size+1 to N*size of the raw data."""

import pandas as pd

from common import BATCHES, RAW, batch_number, params

batch = batch_number()
size = params()["data"]["batch_size"]
frame = pd.read_csv(RAW)
BATCHES.mkdir(parents=True, exist_ok=True)
frame.iloc[(batch - 1) * size : batch * size].to_csv(BATCHES / f"batch_{batch}.csv", index=False)

"""merge_data N: the union of batches 1..N as one file."""

import pandas as pd

from common import BATCHES, MERGED, batch_number

batch = batch_number()
frames = [pd.read_csv(BATCHES / f"batch_{number}.csv") for number in range(1, batch + 1)]
MERGED.mkdir(parents=True, exist_ok=True)
pd.concat(frames).to_csv(MERGED / f"merged_{batch}.csv", index=False)

"""get_data: copies the raw data and shuffles it once."""

import pandas as pd

from common import RAW, params

settings = params()["data"]
frame = pd.read_csv(settings["source"])
frame = frame.sample(frac=1, random_state=settings["shuffle_seed"])
RAW.parent.mkdir(parents=True, exist_ok=True)
frame.to_csv(RAW, index=False)

"""Reads cells as training reads them.

The rule in TypeScript is pipeline/csv/cells.ts, and test/fixtures/cells.json holds the cases of both. A setting that
changes how a cell is read comes from cells.json, which is stored with the model.

A value that is not text represents the cells that pandas may have read it from: True is the cell "TRUE", 7.0 is the
cell "7", and a Timestamp is the cell "2024-01-31". So a column of words looks for the word that has this value.
"""

import datetime
import math
import re
import warnings
from decimal import Decimal
from numbers import Integral, Real

import numpy as np
import pandas as pd

# Training reads cells with ECMAScript, so its white space and its decimals apply here too.
SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
INTEGER = re.compile(r"[+-]?[0-9]{1,400}")

# How a character between groups of digits is written, as in pipeline/csv/cells.ts.
GROUPS = {
    ",": ",",
    ".": r"\.",
    " ": "[ \u00a0\u202f]",
    "'": "['\u2019]",
    "_": "_",
}

DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
SECONDS_A_DAY = 86_400
EPOCH = datetime.date(1970, 1, 1).toordinal()

# The cells that pandas.read_csv makes NaN.
PANDAS_MISSING = frozenset(
    ("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN")
    + ("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null")
)

UNSEEN = -1
MISSING = -2


def parse_number(text):
    """Returns the finite number that a text holds in decimal; None for anything else. Never -0."""
    text = text.strip(SPACE)
    number = float(text) if DECIMAL.fullmatch(text) else math.inf
    return number + 0.0 if math.isfinite(number) else None


def parse_date(text):
    """Returns the days since 1970-01-01T00:00Z of a date of ISO 8601; None for another text.

    The steps are those of pipeline/csv/dates.ts, so that both give the same float64.
    """
    found = DATE.fullmatch(text.strip(SPACE))
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    try:
        days = datetime.date(year, month, day).toordinal() - EPOCH
        datetime.time(hour, minute, second)
    except ValueError:
        return None
    offset = _parse_offset(found[8])
    if offset is None:
        return None
    fraction = float(f"0.{found[7]}") if found[7] else 0.0
    return _to_days(days, hour * 3600 + minute * 60 + second - offset * 60, fraction)


def _parse_offset(text):
    """Returns minutes east of UTC; None if no clock has them."""
    if text in (None, "Z"):
        return 0
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        return None
    return (-1 if text.startswith("-") else 1) * (hours * 60 + minutes)


def _to_days(days, seconds, fraction):
    more, seconds = divmod(seconds, SECONDS_A_DAY)
    return days + more + (seconds + fraction) / SECONDS_A_DAY


def date_part(days, part):
    """Returns a part of dates that are days since 1970, as float64. NaN stays NaN."""
    known = np.where(np.isnan(days), 0.0, days)
    whole = np.floor(known)
    if part == "hour":
        found = np.minimum(23, np.floor(np.floor((known - whole) * SECONDS_A_DAY + 0.5) / 3600))
    elif part == "weekday":
        found = np.mod(whole + 3, 7)
    else:
        dates = whole.astype(np.int64).astype("datetime64[D]")
        months = dates.astype("datetime64[M]")
        found = {
            "year": lambda: dates.astype("datetime64[Y]").astype(np.int64) + 1970,
            "month": lambda: np.mod(months.astype(np.int64), 12) + 1,
            "day": lambda: (dates - months).astype(np.int64) + 1,
        }[part]()
    return np.where(np.isnan(days), np.nan, found)


class CellRule:
    """The rule of a model's pipeline."""

    def __init__(self, settings):
        decimal, thousands = settings.get("decimal", "."), settings.get("thousands")
        group = GROUPS.get(thousands)
        whole = "[0-9]+" if group is None else f"(?:[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]+)"
        point = re.escape(decimal)
        self.written = re.compile(rf"[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?")
        self.groups = None if group is None else re.compile(group)
        self.missing = {word.strip(SPACE) for word in settings["missing"]}
        numbers = [parse_number(word) for word in self.missing]
        self.missing_numbers = [number for number in numbers if number is not None]

    def numbers(self, name, column):
        """Returns a column as float64, NaN where a cell is missing. Raises ValueError at a cell that is no number."""
        if _is_numeric(column.dtype):
            numbers = column.to_numpy(dtype=np.float64, na_value=np.nan) + 0.0
        else:
            numbers = _read_each(column, self._number, math.nan)
        if self.missing_numbers:
            numbers = np.where(np.isin(numbers, self.missing_numbers), np.nan, numbers)
        return _refuse_infinity(numbers, name, column, "number")

    def dates(self, name, column):
        """Returns a column as days since 1970 in UTC, NaN where a cell is missing.

        Raises ValueError at a cell that is no date.
        """
        if isinstance(column.dtype, np.dtype) and column.dtype.kind == "M":
            return _count_days(column.to_numpy())
        return _refuse_infinity(_read_each(column, self._date, math.nan), name, column, "date of ISO 8601")

    def words(self, categories, column):
        """Returns the index of each cell's word, UNSEEN for other words, MISSING where a cell is missing."""
        words = _Words(categories, self)
        return _read_each(column, words.code, words.nan)

    def _number(self, value):
        """Returns infinity for a value that is no number."""
        if isinstance(value, str):
            if value.strip(SPACE) in self.missing:
                return math.nan
            number = self.parse_number(value.strip(SPACE))
            return math.inf if number is None else number
        if _is_number(value):
            try:
                return float(value) + 0.0
            except OverflowError:
                return math.inf
        return math.nan if _is_nan(value) else math.inf

    def parse_number(self, text):
        """Returns the number in a trimmed text, as this pipeline writes numbers; None for another text."""
        if not self.written.fullmatch(text):
            return None
        joined = text if self.groups is None else self.groups.sub("", text)
        return parse_number(joined.replace(",", "."))

    def _date(self, value):
        """Returns infinity for a value that is no date."""
        if isinstance(value, str):
            if value.strip(SPACE) in self.missing:
                return math.nan
            days = parse_date(value)
            return math.inf if days is None else days
        if _is_nan(value):
            return math.nan
        if not isinstance(value, (datetime.date, np.datetime64)):
            return math.inf
        time = _to_utc(value)
        seconds = time.hour * 3600 + time.minute * 60 + time.second
        return _to_days(time.toordinal() - EPOCH, seconds, (time.microsecond * 1000 + time.nanosecond) / 1e9)


def _refuse_infinity(values, name, column, kind):
    wrong = np.isinf(values)
    if wrong.any():
        row = int(wrong.argmax())
        value = repr(column.iloc[row])
        shown = value if len(value) <= 80 else f"{value[:80]}…"
        raise ValueError(f'column "{name}", row {row + 1}: {shown} is not a {kind}')
    return values


def _count_days(times):
    """Returns days since 1970 of datetime64 values, by the steps of parse_date."""
    days = times.astype("datetime64[D]")
    rest = (times - days).astype("timedelta64[ns]").astype(np.int64)
    seconds = rest // 10**9 + rest % 10**9 / 1e9
    return np.where(np.isnat(times), np.nan, days.astype(np.int64) + seconds / SECONDS_A_DAY)


class _Words:
    """Finds words by values that pandas has made of cells."""

    def __init__(self, categories, rule):
        self.codes = {word: index for index, word in enumerate(categories)}
        self.codes.update((word, MISSING) for word in rule.missing)
        self._parse_number = rule.parse_number
        read_as_nan = [self.codes[word] for word in PANDAS_MISSING if word in self.codes]
        # If the empty cell is a word of this pipeline, and nothing else is NaN, then NaN is that word.
        self.nan = read_as_nan[0] if len(read_as_nan) == 1 else MISSING
        self._booleans = self._integers = self._floats = self._times = None

    def code(self, value):
        if isinstance(value, str):
            return self.codes.get(value.strip(SPACE), UNSEEN)
        if isinstance(value, (bool, np.bool_)):
            return self._by_boolean(bool(value))
        if _is_nan(value):
            return self.nan
        if _is_number(value):
            return self._by_number(value)
        if isinstance(value, (datetime.date, np.datetime64)):
            return self._by_time(value)
        return self.codes.get(str(value).strip(SPACE), UNSEEN)

    def _by_boolean(self, value):
        if self._booleans is None:
            known = sorted((w for w in self.codes if w.lower() in ("true", "false")), reverse=True)
            self._booleans = {w.lower() == "true": self.codes[w] for w in known}
        return self._booleans.get(value, UNSEEN)

    def _by_number(self, value):
        if self._integers is None:
            # pandas reads 7 and 007 as one number. The shortest of such words is taken.
            known = sorted(self.codes, key=lambda word: (-len(word), word))
            numbers = [(self._parse_number(word), self.codes[word]) for word in known]
            self._floats = {number: code for number, code in numbers if number is not None}
            self._integers = {int(w): self.codes[w] for w in known if INTEGER.fullmatch(w)}
        if isinstance(value, Integral) and int(value) in self._integers:
            return self._integers[int(value)]
        try:
            return self._floats.get(float(value), UNSEEN)
        except OverflowError:
            return UNSEEN

    def _by_time(self, value):
        if self._times is None:
            words = [word for word, code in self.codes.items() if code != MISSING]
            self._times = {
                time: self.codes[word]
                for word, time in zip(words, _parse_times(words))
                if time is not pd.NaT
            }
        return self._times.get(_to_utc(value), UNSEEN)


def _parse_times(words):
    """Parses words as pandas.read_csv(parse_dates=...) does: all of them are in one format."""
    texts = pd.Series(words, dtype=object)
    ways = ({"format": "ISO8601"}, {}, {"dayfirst": True}, {"format": "ISO8601", "errors": "coerce"})
    for way in ways:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return pd.to_datetime(texts, utc=True, **way)
        except (ValueError, OverflowError):
            continue
    return []


def _to_utc(value):
    time = pd.Timestamp(value)
    return time.tz_localize("UTC") if time.tz is None else time.tz_convert("UTC")


def _is_numeric(dtype):
    return pd.api.types.is_numeric_dtype(dtype) and getattr(dtype, "kind", "O") in "iuf"


def _is_number(value):
    return isinstance(value, (Real, Decimal)) and not isinstance(value, (bool, np.bool_)) and not _is_nan(value)


def _is_nan(value):
    return pd.api.types.is_scalar(value) and pd.isna(value)


def _read_each(column, read, nan):
    """Applies a function to the different values of a column. Returns float64."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = column.cat.codes.to_numpy(), column.cat.categories
    elif column.dtype != object or pd.api.types.infer_dtype(column, skipna=True) == "string":
        codes, values = pd.factorize(column)
    else:
        # pandas takes True, 1 and 1.0 for one value.
        seen = {}
        keys = [(type(value), value) for value in column]
        codes = np.array([seen.setdefault(key, len(seen)) for key in keys], dtype=np.intp)
        values = [value for _, value in seen]
    # The last place is for the code -1, which is NaN.
    found = np.array([*(read(value) for value in values), nan], dtype=np.float64)
    return found[codes]

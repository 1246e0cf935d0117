"""Types of numpy arrays: rows, ordinals, scores, masks and document numbers."""

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
"""Rows of passages, or ordinals of articles."""
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
"""A row mask or an article mask."""
Ints = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.uint32]
"""Document numbers and frequencies in the integer type of a segment."""
SmallInts = npt.NDArray[np.int8]

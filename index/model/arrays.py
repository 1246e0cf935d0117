"""Names for numpy arrays by what they hold: rows of passages, scores, masks, numbers."""

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
"""Rows of passages, or ordinals of articles."""
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
"""A mask over rows or over articles."""
Ints = npt.NDArray[np.int32]
Numbers = npt.NDArray[np.uint32]
"""Document numbers and frequencies as a segment stores them."""

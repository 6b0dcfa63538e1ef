"""Sizes of the random sets on which the growth of errors is measured. Jobs are planned with it: plain Python."""

import math

#: Share of the samples that the largest sets remove; sizes grow by this factor, at most but for rounding.
LARGEST_SHARE, FACTOR = 0.05, 2
#: Fewer samples for a parameter are another regime: classes that can be separated.
SAMPLES_A_PARAMETER = 5


def removed_sizes(n: int) -> list[int]:
    """1 to 5 % of n, at least 1, in geometric steps of at most a factor of two."""
    largest = max(1, round(LARGEST_SHARE * n))
    steps = math.ceil(math.log(largest, FACTOR))
    return sorted({round(largest ** (step / max(steps, 1))) for step in range(steps + 1)})

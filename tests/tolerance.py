"""All tolerances of the tests. Each says what limits it."""

#: Two ways to compute the same closed formula; what is left is the conditioning of the Hessian.
EXACT = 1e-9
#: The same formula on two array libraries, relative to the norm of the result.
SAME_FORMULA = 1e-10
#: The same computation on the same numbers in another order.
ROUNDING = 1e-12
#: Central finite differences of step 1e-5 in float64.
FINITE_DIFFERENCE = 1e-7
#: Two runs agree when |a - b| <= AGREEMENT (|a| + median |effect|).
AGREEMENT = 1e-9
#: Numbers of tables and figures of two runs that agree, relative: slopes and ranks of agreeing effects.
DERIVED = 1e-6
#: Parameters against another optimiser that stops at its own tolerance.
OTHER_OPTIMISER = 1e-6
#: Networks in single precision whose sums run in another order, relative to the largest feature.
NETWORK = 1e-4
#: Decibels of spectra in single precision.
SINGLE_DECIBELS = 1e-3

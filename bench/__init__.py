"""How fast the library is, beside its targets, other programs and what the machine could do: ``make bench``.

=============  =======================================================================
module         what it holds
=============  =======================================================================
cases          the problems that are measured
data           features like those of a network, made up; where a problem's files are
chain          fit, removal sets and measurement in a process of their own
bound          the flops that no way of computing the same can avoid
published      a plain version of the published procedure
refits         scikit-learn, one refit a set
sample         the sets that those two are timed on, and the effects to compare with
scaling        cost as samples, features and sets double
profiling      what the time is made of
machine        processor, libraries, and the rate of matrix products
paper          the whole paper at its own sizes, by the workflow itself: ``make bench-paper``
standins       its data sets: real embeddings where they are at hand, made-up ones of the same sizes otherwise
timeline       a run of Snakemake, and when each of its jobs began and ended
table          targets beside measured values
=============  =======================================================================

Nothing here is imported by the library.
"""

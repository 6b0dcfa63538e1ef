"""Conda environments where no conda channel can be reached: a channel made of pip's wheels, and a stand-in for `conda`.

``channel`` makes packages of what pip offers for the pins of environment files; ``command`` creates environments from
them by py-rattler's solver and installer, in the few words of conda's that Snakemake says. For Linux on x86-64 and the
Python that the environments pin, which is that of the tests: it is repackaged too.
"""

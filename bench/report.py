"""The page of a run: the table, what is missed, and what the numbers rest on."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from bench import bound, table
from bench.machine import describe
from bench.results import Repeated, Results
from bench.table import Row

#: Parts of the time that the text names.
NAMED = 4


def page(results: Results, title: str) -> str:
    """Return a run's page in Markdown."""
    found = table.rows(results)
    sections = [f"# {title}", table.markdown(found), *_missed(found, results)]
    if results.main:
        sections += _chain(results, results.main)
    sections += [*_profile(results), *_comparisons(results), *_machine(results)]
    return "\n\n".join(sections) + "\n"


def _missed(found: Sequence[Row], results: Results) -> Iterator[str]:
    missed = [f"- {row.work}: {row.measured}; the target is {row.target}." for row in found if row.met is False]
    nothing = "No target is missed." if results.judged else "Nothing is judged: these are not the sizes of the targets."
    yield "## What is missed"
    yield "\n".join(missed) or nothing
    if results.profiled and results.profiled.parts:
        total = sum(results.profiled.parts.values())
        largest = list(results.profiled.parts.items())[:NAMED]
        yield "The chain's time goes to " + ", ".join(f"{name} ({s / total:.0%})" for name, s in largest) + "."


def _chain(results: Results, main: Repeated) -> Iterator[str]:
    yield f"## The chain: {table.name(main)}, {main.sets} sets"
    chains = main.chains
    yield _listed({name: [chain.seconds[name] for chain in chains] for name in chains[0].seconds}, "stage", "seconds")
    memory = [f"{chain.memory['before'] / 1e6:.0f} to {chain.memory['peak'] / 1e6:.0f} MB" for chain in chains]
    yield f"Peak memory, before the data are read and in the end: {', '.join(memory)}."
    if results.profiled and (passes := results.profiled.passes):
        inner = results.profiled.inner
        medians = [f"{name} {np.median(passes[name]):g} + {np.median(inner[name]):.0f}" for name in passes]
        yield (
            "Passes over X of a certified retrain, and the operations of its inner products, which take a part of the "
            f"samples and single precision, in passes; medians: {', '.join(medians)}."
        )
    yield "The data: " + ", ".join(f"{name} {value:.3g}" for name, value in chains[0].data.items()) + "."
    yield f"## The bound, at {results.rate / 1e9:.0f} GFLOP/s"
    terms = {name: [flops / results.rate] for name, flops in main.flops.items() if flops}
    yield _listed(terms, "term", "seconds")
    yield bound.__doc__.split("\n\n")[0] if bound.__doc__ else ""


def _profile(results: Results) -> Iterator[str]:
    if results.profiled and results.profiled.parts:
        yield "## What the time is made of"
        yield "Fit and measurement once more, under cProfile, which slows them down a little."
        yield _listed({name: [s] for name, s in results.profiled.parts.items()}, "part of the library", "seconds")
        yield _listed({f"`{name}`": [s] for name, s in results.profiled.functions.items()}, "function", "seconds")


def _comparisons(results: Results) -> Iterator[str]:
    if published := results.published:
        yield "## The published procedure"
        yield _listed(published.seconds, "part of a set", "seconds, each set")
        yield "Largest relative difference of its effects from the chain's, whose retrains are certified:"
        yield "\n".join(f"- {method}: {_sizes(found)}" for method, found in published.difference.items())
    for name, refits in (("newton-cholesky", results.newton_cholesky), ("lbfgs", results.lbfgs)):
        if refits:
            yield f"## scikit-learn {name}"
            norms = ", ".join(f"{norm:.0e}" for norm in refits.gradient_norm)
            seconds = ", ".join(f"{s:.2f}" for s in refits.seconds)
            iterations = ", ".join(map(str, refits.iterations))
            yield f"Seconds of each set: {seconds}; iterations: {iterations}; gradient norms, mean form: {norms}."
            yield f"Largest relative difference of its effects from the chain's: {_sizes(refits.difference)}."


def _machine(results: Results) -> Iterator[str]:
    yield "## Machine"
    rates = f"{min(results.rates) / 1e9:.0f} to {max(results.rates) / 1e9:.0f}, median {results.rate / 1e9:.0f} GFLOP/s"
    rate = {"matrix product": f"{rates}, measured before and after every chain"}
    load = {"load average": f"{', '.join(results.loads)}: more than the cores means that others were at work"}
    yield "\n".join(f"- {name}: {value}" for name, value in (describe() | rate | load).items())


def _sizes(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.1e}" for name, value in values.items())


def _listed(values: Mapping[str, Sequence[float]], first: str, second: str) -> str:
    """A table of two columns: a name and its values, with their median where there are several."""
    lines = [f"| {first} | {second} |", "|---|---|"]
    for name, several in values.items():
        shown = ", ".join(f"{value:.2f}" for value in several)
        lines.append(f"| {name} | {shown}{f' (median {np.median(several):.2f})' if len(several) > 1 else ''} |")
    return "\n".join(lines)

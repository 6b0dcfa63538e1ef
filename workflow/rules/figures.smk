"""Figures: shards -> what people look at. Each figure asks for the shards that it draws, and no others.

Reads   results/{study}/{dataset}/base/effects/{shard}.parquet, resources/embeddings/{dataset}/about.json
Writes  results/{study}/figures/{figure1,figure4}.{pdf,png,svg}
"""


rule figure1:
    """Draw predicted against actual effects."""
    input:
        shards=plotted_shards,
        abouts=base_abouts,
    output:
        pdf="results/{study}/figures/figure1.pdf",
        png="results/{study}/figures/figure1.png",
        svg=report(
            "results/{study}/figures/figure1.svg",
            caption="../report/figure1.rst",
            category="Figures",
            labels={"figure": "Figure 1: effects"},
        ),
    log:
        "logs/{study}/figure1.log",
    conda:
        "../../envs/core.yaml"
    params:
        column="effect",
        quantity="effect",
        titles=titles_of,
        library=library("effects_figure"),
    message:
        "Drawing Figure 1 of {wildcards.study}"
    script:
        "../scripts/effects_figure.py"


use rule figure1 as figure4 with:
    output:
        pdf="results/{study}/figures/figure4.pdf",
        png="results/{study}/figures/figure4.png",
        svg=report(
            "results/{study}/figures/figure4.svg",
            caption="../report/figure4.rst",
            category="Figures",
            labels={"figure": "Figure 4: leading-order effects"},
        ),
    log:
        "logs/{study}/figure4.log",
    params:
        column="effect_linear",
        quantity="leading-order effect",
        titles=titles_of,
        library=library("effects_figure"),
    message:
        "Drawing Figure 4 of {wildcards.study}"

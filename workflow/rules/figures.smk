"""Figures: rows -> what people look at, and the numbers of exactly what is drawn.

Each figure asks for the rows that it draws, and no others. Figure 3 also reads the source files of one data set: it shows
a sample.

Reads   results/{study}/{dataset}/{variant}/effects/{shard}.parquet,
        results/{study}/{dataset}/base/{poisoning,detection}.parquet, resources/embeddings/{dataset}/about.json,
        resources/raw/{source}/
Writes  results/{study}/figures/{figure1,figure2,figure3,figure4,detection}.{pdf,png,svg,csv}
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
            category="Figure 1 and 4: effects",
            labels={"result": "Figure 1: effects"},
        ),
        csv=report(
            "results/{study}/figures/figure1.csv",
            caption="../report/numbers.rst",
            category="Figure 1 and 4: effects",
            labels={"result": "Figure 1: numbers (csv)"},
        ),
    log:
        "logs/{study}/figure1.log",
    conda:
        "../../envs/core.yaml"
    params:
        column="effect",
        quantity="effect",
        titles=base_titles,
        library=library("effects_figure"),
        stamps=LINEAGE.stamps,
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
            category="Figure 1 and 4: effects",
            labels={"result": "Figure 4: leading-order effects"},
        ),
        csv=report(
            "results/{study}/figures/figure4.csv",
            caption="../report/numbers.rst",
            category="Figure 1 and 4: effects",
            labels={"result": "Figure 4: numbers (csv)"},
        ),
    log:
        "logs/{study}/figure4.log",
    params:
        column="effect_linear",
        quantity="leading-order effect",
        titles=base_titles,
        library=library("effects_figure"),
        stamps=LINEAGE.stamps,
    message:
        "Drawing Figure 4 of {wildcards.study}"


rule figure2:
    """Draw predicted against actual effects where training size, regularisation or convention vary."""
    input:
        shards=swept_shards,
        abouts=swept_abouts,
    output:
        pdf="results/{study}/figures/figure2.pdf",
        png="results/{study}/figures/figure2.png",
        svg=report(
            "results/{study}/figures/figure2.svg",
            caption="../report/figure2.rst",
            category="Figure 2: size and regularisation",
            labels={"result": "Figure 2: effects"},
        ),
        csv=report(
            "results/{study}/figures/figure2.csv",
            caption="../report/numbers.rst",
            category="Figure 2: size and regularisation",
            labels={"result": "Figure 2: numbers (csv)"},
        ),
    log:
        "logs/{study}/figure2.log",
    wildcard_constraints:
        study=SWEPT,
    conda:
        "../../envs/core.yaml"
    params:
        evaluations=study_setting("evaluations"),
        sweeps=sweeps_of,
        titles=swept_titles,
        library=library("sweep_figure"),
        stamps=LINEAGE.stamps,
    message:
        "Drawing Figure 2 of {wildcards.study}"
    script:
        "../scripts/sweep_figure.py"


rule figure3:
    """Draw what wrongly labelled samples did to their own predictions, and show the one that it did most to."""
    input:
        rows=poisoned_poisoning,
        raw=poisoned_raw_files,
        abouts=poisoned_abouts,
    output:
        pdf="results/{study}/figures/figure3.pdf",
        png="results/{study}/figures/figure3.png",
        svg=report(
            "results/{study}/figures/figure3.svg",
            caption="../report/figure3.rst",
            category="Figure 3: poisoning",
            labels={"result": "Figure 3: changes of logits"},
        ),
        csv=report(
            "results/{study}/figures/figure3.csv",
            caption="../report/numbers.rst",
            category="Figure 3: poisoning",
            labels={"result": "Figure 3: numbers (csv)"},
        ),
    log:
        "logs/{study}/figure3.log",
    wildcard_constraints:
        study=POISONED,
    conda:
        "../../envs/core.yaml"
    params:
        parser=poisoned_parser,
        design=poisoned_design,
        classes=poisoned_classes,
        titles=poisoned_titles,
        library=exhibit_digest,
        stamps=LINEAGE.stamps,
    message:
        "Drawing Figure 3 of {wildcards.study}"
    script:
        "../scripts/poisoning_figure.py"


rule detection_figure:
    """Draw how soon planted samples are found, and whether the predictions behind the ranking are true."""
    input:
        rows=poisoned_detection,
        abouts=poisoned_abouts,
    output:
        pdf="results/{study}/figures/detection.pdf",
        png="results/{study}/figures/detection.png",
        svg=report(
            "results/{study}/figures/detection.svg",
            caption="../report/detection_figure.rst",
            category="Detection",
            labels={"result": "Planted samples found"},
        ),
        csv=report(
            "results/{study}/figures/detection.csv",
            caption="../report/numbers.rst",
            category="Detection",
            labels={"result": "Planted samples found: numbers (csv)"},
        ),
    log:
        "logs/{study}/detection_figure.log",
    wildcard_constraints:
        study=POISONED,
    conda:
        "../../envs/core.yaml"
    params:
        titles=poisoned_titles,
        library=library("detection_figure"),
        stamps=LINEAGE.stamps,
    message:
        "Drawing the detection of {wildcards.study}"
    script:
        "../scripts/detection_figure.py"

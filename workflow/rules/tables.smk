"""Tables: what is known about the data sets of a study.

Reads   results/{study}/{dataset}/{variant}/fit.npz, resources/embeddings/{dataset}/{samples.parquet,about.json}
Writes  results/{study}/tables/{table1,table2,table3}.{csv,md,tex,html}
"""


rule table1:
    """Tabulate sizes and test accuracies, beside the paper's."""
    input:
        fits=listed_fits,
        samples=listed_samples,
        abouts=listed_abouts,
    output:
        csv="results/{study}/tables/table1.csv",
        md="results/{study}/tables/table1.md",
        tex="results/{study}/tables/table1.tex",
        html=report(
            "results/{study}/tables/table1.html",
            caption="../report/table1.rst",
            category="Data and certificates",
            labels={"result": "data sets"},
        ),
    log:
        "logs/{study}/table1.log",
    conda:
        "../../envs/core.yaml"
    params:
        datasets=dataset_entries,
        library=library("table1"),
        stamps=LINEAGE.stamps,
    message:
        "Tabulating the data sets of {wildcards.study}"
    script:
        "../scripts/table1.py"


rule table2:
    """Tabulate the licences of the data."""
    output:
        csv="results/{study}/tables/table2.csv",
        md="results/{study}/tables/table2.md",
        tex="results/{study}/tables/table2.tex",
        html=report(
            "results/{study}/tables/table2.html",
            caption="../report/table2.rst",
            category="Data and certificates",
            labels={"result": "licences of data"},
        ),
    log:
        "logs/{study}/table2.log",
    conda:
        "../../envs/core.yaml"
    params:
        datasets=dataset_entries,
        sources=source_entries,
        library=library("table2"),
    message:
        "Tabulating the licences of {wildcards.study}"
    script:
        "../scripts/table2.py"


rule table3:
    """Tabulate the licences of the models that embed."""
    output:
        csv="results/{study}/tables/table3.csv",
        md="results/{study}/tables/table3.md",
        tex="results/{study}/tables/table3.tex",
        html=report(
            "results/{study}/tables/table3.html",
            caption="../report/table3.rst",
            category="Data and certificates",
            labels={"result": "licences of models"},
        ),
    log:
        "logs/{study}/table3.log",
    conda:
        "../../envs/core.yaml"
    params:
        datasets=dataset_entries,
        sources=source_entries,
        library=library("table3"),
    message:
        "Tabulating the licences of models in {wildcards.study}"
    script:
        "../scripts/table3.py"

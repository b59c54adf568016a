# Which figures the study has no runs for, so that a reader does not look for them.
rule not_drawn:
    output:
        f"{RESULTS}/figures/not_drawn.txt",
    log:
        f"{RESULTS}/logs/not_drawn.log",
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        notes=list_skipped(study),
    shell:
        "printf '%s' {params.notes:q} > {output} 2> {log}"


# A figure that is a chart; plot_table makes those that are tables.
rule plot:
    input:
        lambda wildcards: [f"{RESULTS}/tables/{table}.parquet" for table in FIGURES[wildcards.figure].tables],
    output:
        [f"{RESULTS}/figures/{{figure}}.{kind}" for kind in CHART_FILES],
    log:
        f"{RESULTS}/logs/plot/{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/plot/{{figure}}.tsv"
    wildcard_constraints:
        figure="|".join(name for name, figure in FIGURES.items() if not figure.is_table),
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        code=lambda wildcards: modules("settling.figures.plot", FIGURES[wildcards.figure].module),
        # The registry is not among the modules; this is what of a figure's line there changes the drawing.
        entry=lambda wildcards: FIGURES[wildcards.figure].drawing,
        tables=f"{RESULTS}/tables",
        folder=subpath(output[0], parent=True),
    shell:
        "settling plot {wildcards.figure} --tables {params.tables} --output {params.folder} 2> {log}"


use rule plot as plot_table with:
    output:
        [f"{RESULTS}/figures/{{figure}}.{kind}" for kind in TABLE_FILES],
    wildcard_constraints:
        figure="|".join(name for name, figure in FIGURES.items() if figure.is_table),

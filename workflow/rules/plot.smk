# Which figures the study has no runs for, so that a reader does not look for them.
rule not_drawn:
    output:
        at(layout.NOT_DRAWN),
    log:
        at(layout.log("not_drawn")),
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
        lambda wildcards: expand(at(layout.TABLE), table=FIGURES[wildcards.figure].tables),
    output:
        [at(f"{layout.FIGURE}.{kind}") for kind in CHART_FILES],
    log:
        at(layout.log("plot", "{figure}")),
    benchmark:
        at(layout.benchmark("plot", "{figure}"))
    wildcard_constraints:
        figure="|".join(name for name, figure in FIGURES.items() if not figure.is_table),
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        code=lambda wildcards: modules("settling.figures.plot", FIGURES[wildcards.figure].module),
        # The registry is not among the modules; this is what of a figure's line there changes the drawing.
        entry=lambda wildcards: FIGURES[wildcards.figure].drawing,
        tables=at(layout.TABLES_FOLDER),
        folder=subpath(output[0], parent=True),
    shell:
        "settling plot {wildcards.figure} --tables {params.tables} --output {params.folder} 2> {log}"


# A rule does not inherit that it is local.
localrules:
    plot_table,


use rule plot as plot_table with:
    output:
        [at(f"{layout.FIGURE}.{kind}") for kind in TABLE_FILES],
    wildcard_constraints:
        figure="|".join(name for name, figure in FIGURES.items() if figure.is_table),


WANTED += rules.not_drawn.output
WANTED += [at(f"{layout.FIGURE.format(figure=name)}.{kind}") for name in FIGURE_NAMES for kind in FIGURES[name].files]

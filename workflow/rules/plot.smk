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


# All figures in one process, as most of what one costs alone is the start of a process.
rule plot:
    input:
        sorted({at(layout.TABLE.format(table=table)) for name in FIGURE_NAMES for table in FIGURES[name].tables}),
    output:
        [at(f"{layout.FIGURE.format(figure=name)}.{kind}") for name in FIGURE_NAMES for kind in FIGURES[name].files],
    log:
        at(layout.log("plot")),
    benchmark:
        at(layout.benchmark("plot"))
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        code=lambda wildcards: modules(
            "settling.figures.plot", *sorted({FIGURES[name].module for name in FIGURE_NAMES})
        ),
        # The registry is not among the modules; this is what of the figures' lines there changes the drawings.
        entries=" ".join(FIGURES[name].drawing for name in FIGURE_NAMES),
        figures=" ".join(FIGURE_NAMES),
        tables=subpath(input[0], parent=True),
        folder=subpath(output[0], parent=True),
    shell:
        "settling plot {params.figures} --tables {params.tables} --output {params.folder} 2> {log}"


WANTED += rules.not_drawn.output
WANTED += rules.plot.output

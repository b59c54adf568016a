rule report:
    input:
        tables=[*expand(at(layout.TABLE), table=layout.TABLES), at(layout.QUOTES)],
        claims=at(layout.VERDICTS),
        findings=rules.findings.output,
        figures=expand(at(layout.FIGURE_SPECIFICATION), figure=FIGURE_NAMES),
        not_drawn=rules.not_drawn.output,
        cards=expand(at(layout.DATASET_CARD), dataset=DATASETS),
        runs=lambda wildcards: [at(run.record) for run in grid],
        # What of the page is no code; from the working directory, so that nothing reruns where a checkout is moved.
        assets=[
            os.path.relpath(Path(workflow.basedir, "src", "settling", "report", f"page.{kind}"))
            for kind in ("html", "css", "js")
        ],
    output:
        at(layout.REPORT),
    log:
        at(layout.log("report")),
    benchmark:
        at(layout.benchmark("report"))
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        spec=lambda wildcards: canonical(plan.report_spec(study)),
        # The page imports a figure's module, and a figure what a detector says of itself, by names in registries.
        code=lambda wildcards: modules(
            "settling.report.page",
            *sorted({FIGURES[name].module for name in FIGURE_NAMES}),
            *DETECTORS.values(),
        ),
        # The registry is not among the modules; this is what the figures' lines there say.
        entries=lambda wildcards: " ".join(str(FIGURES[name]) for name in FIGURE_NAMES),
        results=subpath(output[0], parent=True),
    shell:
        "settling report --spec {params.spec:q} --results {params.results} --output {output} 2> {log}"


WANTED += rules.report.output

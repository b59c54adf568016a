rule report:
    input:
        tables=expand(f"{RESULTS}/tables/{{table}}.parquet", table=[*plan.TABLES, "quotes"]),
        claims=f"{RESULTS}/claims/claims.parquet",
        findings=rules.findings.output,
        figures=expand(f"{RESULTS}/figures/{{figure}}.json", figure=FIGURE_NAMES),
        not_drawn=rules.not_drawn.output,
        cards=[f"{RESULTS}/data/{dataset}/card.json" for dataset in DATASETS],
        runs=lambda wildcards: [f"{RESULTS}/{run.card}" for run in grid],
        # What of the page is no code; from the working directory, so that nothing reruns where a checkout is moved.
        assets=[
            os.path.relpath(Path(workflow.basedir, "src", "settling", "report", f"page.{kind}"))
            for kind in ("html", "css", "js")
        ],
    output:
        f"{RESULTS}/report.html",
    log:
        f"{RESULTS}/logs/report.log",
    benchmark:
        f"{RESULTS}/benchmarks/report.tsv"
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        spec=lambda wildcards: plan.report_spec(study),
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

rule aggregate:
    input:
        treated=lambda wildcards: sorted({at(run.treated) for run in grid}),
        scores=lambda wildcards: [at(run.scores) for run in grid],
        runs=lambda wildcards: [at(run.record) for run in grid],
        events=lambda wildcards: [at(run.events) for run in grid],
        detection=lambda wildcards: [
            at(path)
            for run in grid
            if family_of(treatments[run.treatment]) == "noise"
            for path in (run.detectors, run.losses)
        ],
    output:
        expand([at(layout.TABLE), at(layout.TABLE_AS_CSV)], table=layout.TABLES),
    log:
        at(layout.log("aggregate")),
    benchmark:
        at(layout.benchmark("aggregate"))
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        spec=lambda wildcards: canonical(plan.aggregate_spec(study)),
        # A table says of a treatment what its kind says of itself.
        code=lambda wildcards: modules(
            "settling.analysis.aggregate",
            *sorted({TREATMENTS[treatments[run.treatment]["kind"]] for run in grid}),
        ),
        results=subpath(output[0], ancestor=2),
        folder=subpath(output[0], parent=True),
    shell:
        "settling aggregate --spec {params.spec:q} --results {params.results} --output {params.folder} 2> {log}"


WANTED += rules.aggregate.output

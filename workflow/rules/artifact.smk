rule artifact:
    input:
        lambda wildcards: [at(path) for path in names_of(study)],
        # Whose text is the key that its words are hashed with.
        data=expand(at(layout.TRAIN), dataset=DATASETS),
        claims=CLAIMS,
        lock=os.path.relpath(Path(workflow.basedir, "requirements.lock")),
        snakefile=os.path.relpath(Path(workflow.basedir, "Snakefile")),
    output:
        at(layout.ARTIFACT),
    log:
        at(layout.log("artifact")),
    benchmark:
        at(layout.benchmark("artifact"))
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        spec=lambda wildcards: canonical(plan.study_spec(study)),
        code=lambda wildcards: modules("settling.artifact.build"),
        results=subpath(output[0], parent=True),
    shell:
        "settling artifact --spec {params.spec:q} --results {params.results} --claims {input.claims:q} --lock {input.lock:q}"
        " --snakefile {input.snakefile:q} --output {output} 2> {log}"

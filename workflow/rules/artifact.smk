rule artifact:
    input:
        lambda wildcards: [f"{RESULTS}/{path}" for path in names_of(study)],
        # Whose text is the key that its words are hashed with.
        data=[f"{RESULTS}/data/{dataset}/train.parquet" for dataset in DATASETS],
        claims=CLAIMS,
        lock=os.path.relpath(Path(workflow.basedir, "requirements.lock")),
        snakefile=os.path.relpath(Path(workflow.basedir, "Snakefile")),
    output:
        f"{RESULTS}/artifact.zip",
    log:
        f"{RESULTS}/logs/artifact.log",
    benchmark:
        f"{RESULTS}/benchmarks/artifact.tsv"
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        spec=lambda wildcards: plan.study_spec(study),
        code=lambda wildcards: modules("settling.artifact.build"),
        results=subpath(output[0], parent=True),
    shell:
        "settling artifact --spec {params.spec:q} --results {params.results} --claims {input.claims:q} --lock {input.lock:q}"
        " --snakefile {input.snakefile:q} --output {output} 2> {log}"

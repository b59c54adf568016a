rule unpack:
    input:
        ARTIFACT,
    output:
        [f"{RESULTS}/{path}" for path in plan.recorded(study)],
        claims=f"{RESULTS}/claims.json",
    log:
        f"{RESULTS}/logs/unpack.log",
    benchmark:
        f"{RESULTS}/benchmarks/unpack.tsv"
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        code=lambda wildcards: modules("settling.artifact.stage"),
        folder=subpath(output.claims, parent=True),
    shell:
        "settling unpack {input:q} --output {params.folder} 2> {log}"

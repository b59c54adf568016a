rule unpack:
    input:
        ARTIFACT,
    output:
        [at(path) for path in plan.recorded(study)],
        claims=at(layout.CLAIMS),
    log:
        at(layout.log("unpack")),
    benchmark:
        at(layout.benchmark("unpack"))
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        code=lambda wildcards: modules("settling.artifact.stage"),
        folder=subpath(output.claims, parent=True),
    shell:
        "settling unpack {input:q} --output {params.folder} 2> {log}"

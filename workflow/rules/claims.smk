rule claims:
    input:
        expand(at(layout.TABLE), table=["measures", "detection_runs", "datasets", "systems", "treatments"]),
        claims=CLAIMS,
    output:
        at(layout.VERDICTS),
        at(layout.VERDICTS_AS_CSV),
        at(layout.VERDICTS_AS_TEXT),
    log:
        at(layout.log("claims")),
    benchmark:
        at(layout.benchmark("claims"))
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        code=lambda wildcards: modules("settling.claims.decide"),
        tables=subpath(input[0], parent=True),
        folder=subpath(output[0], parent=True),
    shell:
        "settling claims --claims {input.claims:q} --tables {params.tables} --output {params.folder} > {log} 2>&1"


WANTED += rules.claims.output

rule findings:
    input:
        expand(
            at(layout.TABLE),
            table=["summary", "effects", "systems", "first_learned", "forgetting", "words"],
        ),
    output:
        at(layout.FINDINGS),
    log:
        at(layout.log("findings")),
    benchmark:
        at(layout.benchmark("findings"))
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        code=lambda wildcards: modules("settling.analysis.findings"),
        tables=subpath(input[0], parent=True),
    shell:
        "settling findings --tables {params.tables} --output {output} 2> {log}"


WANTED += rules.findings.output

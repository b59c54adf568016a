rule findings:
    input:
        multiext(
            f"{RESULTS}/tables/",
            "summary.parquet",
            "effects.parquet",
            "systems.parquet",
            "first_learned.parquet",
            "forgetting.parquet",
            "words.parquet",
        ),
    output:
        f"{RESULTS}/findings.txt",
    log:
        f"{RESULTS}/logs/findings.log",
    benchmark:
        f"{RESULTS}/benchmarks/findings.tsv"
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        code=lambda wildcards: modules("settling.analysis.findings"),
        tables=subpath(input[0], parent=True),
    shell:
        "settling findings --tables {params.tables} --output {output} 2> {log}"

rule claims:
    input:
        multiext(
            f"{RESULTS}/tables/",
            "measures.parquet",
            "detection_runs.parquet",
            "datasets.parquet",
            "systems.parquet",
            "treatments.parquet",
        ),
        claims=CLAIMS,
    output:
        multiext(f"{RESULTS}/claims/", "claims.parquet", "claims.csv", "claims.txt"),
    log:
        f"{RESULTS}/logs/claims.log",
    benchmark:
        f"{RESULTS}/benchmarks/claims.tsv"
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        code=lambda wildcards: modules("settling.claims.decide"),
        tables=subpath(input[0], parent=True),
        folder=subpath(output[0], parent=True),
    shell:
        "settling claims --claims {input.claims:q} --tables {params.tables} --output {params.folder} > {log} 2>&1"

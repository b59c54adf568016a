rule quote:
    input:
        f"{RESULTS}/tables/words.parquet",
        [f"{RESULTS}/data/{dataset}/train.parquet" for dataset in DATASETS],
    output:
        multiext(f"{RESULTS}/tables/quotes", ".parquet", ".csv"),
    log:
        f"{RESULTS}/logs/quote.log",
    benchmark:
        f"{RESULTS}/benchmarks/quote.tsv"
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        code=lambda wildcards: modules("settling.analysis.quotes"),
        data=subpath(input[1], ancestor=2),
        folder=subpath(output[0], parent=True),
    shell:
        "settling quote --tables {params.folder} --data {params.data} --output {params.folder} 2> {log}"

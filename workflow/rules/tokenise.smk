rule tokenise:
    input:
        multiext(f"{RESULTS}/data/{{dataset}}/", "train.parquet", "dev.parquet", "test.parquet"),
        checkpoint=lambda wildcards: plan.checkpoint_folder(study, wildcards.checkpoint),
    output:
        f"{RESULTS}/tokens/{{dataset}}/{{checkpoint}}.parquet",
    log:
        f"{RESULTS}/logs/tokenise/{{dataset}}/{{checkpoint}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/tokenise/{{dataset}}/{{checkpoint}}.tsv"
    localrule: True
    conda:
        "../../envs/train.yaml"
    params:
        code=lambda wildcards: modules("settling.data.tokens"),
        data=subpath(input[0], parent=True),
    shell:
        "settling tokenise --data {params.data} --checkpoint {input.checkpoint} --output {output} 2> {log}"

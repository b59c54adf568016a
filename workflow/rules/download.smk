rule download_dataset:
    input:
        lambda wildcards: study.datasets[wildcards.dataset].local_files(),
    output:
        multiext(f"{RESULTS}/data/{{dataset}}/", "train.parquet", "dev.parquet", "test.parquet", "card.json"),
    log:
        f"{RESULTS}/logs/download/dataset/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/download/dataset/{{dataset}}.tsv"
    localrule: True
    conda:
        "../../envs/train.yaml"
    params:
        spec=lambda wildcards: plan.dataset_spec(study, wildcards.dataset),
        code=lambda wildcards: modules("settling.data.dataset"),
        folder=subpath(output[0], parent=True),
    shell:
        "settling download dataset --spec {params.spec:q} --output {params.folder} 2> {log}"


rule download_checkpoint:
    input:
        lambda wildcards: plan.checkpoint_files(study, wildcards.checkpoint),
    output:
        directory(f"{RESULTS}/checkpoints/{{checkpoint}}"),
    log:
        f"{RESULTS}/logs/download/checkpoint/{{checkpoint}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/download/checkpoint/{{checkpoint}}.tsv"
    localrule: True
    conda:
        "../../envs/train.yaml"
    params:
        spec=lambda wildcards: plan.checkpoint_spec(study, wildcards.checkpoint),
        code=lambda wildcards: modules("settling.data.checkpoints"),
    shell:
        "settling download checkpoint --spec {params.spec:q} --output {output} 2> {log}"

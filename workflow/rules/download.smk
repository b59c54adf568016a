# In a path that a rule is given, Snakemake takes {word} for a wildcard, whatever is done to escape it. A file with such a
# path is no input, so it is known by its size and the time of its last change, among the parameters.
taken = lambda paths: [path for path in paths if not contains_wildcard(path)]
seen = lambda paths: [
    f"{path} {os.stat(path).st_size} {os.stat(path).st_mtime_ns}"
    for path in paths
    if contains_wildcard(path) and os.path.exists(path)
]
# Only where there are any, as a parameter more makes Snakemake run a job again.
FILES_OF_DATASETS = any(
    contains_wildcard(path) for dataset in study.datasets.values() for path in dataset.local_files()
)
FILES_OF_CHECKPOINTS = any(
    contains_wildcard(path) for name in study.checkpoints for path in plan.checkpoint_files(study, name)
)


rule download_dataset:
    input:
        lambda wildcards: taken(study.datasets[wildcards.dataset].local_files()),
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
        **(
            {"files": lambda wildcards: seen(study.datasets[wildcards.dataset].local_files())}
            if FILES_OF_DATASETS
            else {}
        ),
        spec=lambda wildcards: plan.dataset_spec(study, wildcards.dataset),
        code=lambda wildcards: modules(
            "settling.data.dataset",
            SOURCES[study.datasets[wildcards.dataset].source.kind],
            TASKS[study.datasets[wildcards.dataset].task],
            *(FORMATS[name] for name in study.datasets[wildcards.dataset].formats()),
        ),
        folder=subpath(output[0], parent=True),
    shell:
        "settling download dataset --spec {params.spec:q} --output {params.folder} 2> {log}"


# A rule each, as the folder, which all studies share, does not tell the name that this study gives to it.
for number, name in enumerate(plan.checkpoints(study)):

    rule:
        name:
            f"download_checkpoint_{number}_{re.sub(r'[^A-Za-z0-9]', '_', name)}"
        input:
            taken(plan.checkpoint_files(study, name)),
        output:
            directory(plan.checkpoint_folder(study, name)),
        log:
            f"{RESULTS}/logs/download/checkpoint/{name}.log",
        benchmark:
            f"{RESULTS}/benchmarks/download/checkpoint/{name}.tsv"
        localrule: True
        conda:
            "../../envs/train.yaml"
        params:
            **(
                {"files": lambda wildcards, name=name: seen(plan.checkpoint_files(study, name))}
                if FILES_OF_CHECKPOINTS
                else {}
            ),
            spec=lambda wildcards, name=name: plan.checkpoint_spec(study, name),
            code=lambda wildcards: modules("settling.data.checkpoints"),
        shell:
            "settling download checkpoint --spec {params.spec:q} --output {output} 2> {log}"

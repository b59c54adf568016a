RUN = "{dataset}/{treatment}/noise-seed{noise_seed}/{system}/seed{seed}"
TRAINED = ("dynamics.parquet", "scores.parquet", "run.json")
# Snakemake deletes outputs before it runs a job again; the state lies outside them, and there what is done stays linked,
# so that it is not trained again. (Not `update`: it calls an old output up to date after a job that failed.)
TRAIN = (
    "settling train --spec {params.spec:q} --train {input.train} --dev {input.dev} --test {input.test}"
    " {params.checkpoint} {params.tokens} {params.runs} --threads {threads}"
)


# What a job asks of a cluster; locally nothing reads it. `threads` is apart, as it decides the bytes.
asked = lambda num_runs, system=None: {
    kind: lambda wildcards, attempt, kind=kind: plan.resources(study, system or wildcards.system, num_runs, attempt)[
        kind
    ]
    for kind in ("gpu", "cpus_per_task", "mem_mb", "runtime")
}


if study.runs_per_job == 1:

    rule train:
        input:
            treated=rules.treat.output,
            train=f"{RESULTS}/data/{{dataset}}/train.parquet",
            dev=f"{RESULTS}/data/{{dataset}}/dev.parquet",
            test=f"{RESULTS}/data/{{dataset}}/test.parquet",
            checkpoint=lambda wildcards: plan.checkpoint_of(study, wildcards.system),
            tokens=lambda wildcards: plan.tokens_of(study, wildcards.dataset, wildcards.system, RESULTS),
        output:
            multiext(f"{RESULTS}/runs/{RUN}/", *TRAINED),
        log:
            f"{RESULTS}/logs/train/{RUN}.log",
        benchmark:
            f"{RESULTS}/benchmarks/train/{RUN}.tsv"
        conda:
            "../../envs/train.yaml"
        resources:
            **asked(1),
        params:
            spec=lambda wildcards: plan.training_spec(study, wildcards.system),
            code=lambda wildcards: modules(
                "settling.training.train", system_kind(study.systems[wildcards.system].kind).model
            ),
            checkpoint=lambda wildcards: plan.option("checkpoint", plan.checkpoint_of(study, wildcards.system)),
            tokens=lambda wildcards: plan.option(
                "tokens", plan.tokens_of(study, wildcards.dataset, wildcards.system, RESULTS)
            ),
            runs=lambda wildcards: plan.run_option(plan.Run(**dict(wildcards.items())), RESULTS),
        shell:
            TRAIN

else:
    for number, runs in enumerate(plan.jobs(study)):
        dataset, system = runs[0].dataset, runs[0].system

        rule:
            name:
                f"train_{number}_{re.sub(r'[^A-Za-z0-9]', '_', f'{dataset}_{system}')}"
            input:
                treated=sorted({f"{RESULTS}/{run.treated}" for run in runs}),
                train=f"{RESULTS}/data/{dataset}/train.parquet",
                dev=f"{RESULTS}/data/{dataset}/dev.parquet",
                test=f"{RESULTS}/data/{dataset}/test.parquet",
                checkpoint=plan.checkpoint_of(study, system),
                tokens=plan.tokens_of(study, dataset, system, RESULTS),
            output:
                [f"{RESULTS}/{run.folder}/{file}" for run in runs for file in TRAINED],
            log:
                [f"{RESULTS}/{run.log}" for run in runs],
            benchmark:
                f"{RESULTS}/benchmarks/train/job{number}.tsv"
            conda:
                "../../envs/train.yaml"
            resources:
                **asked(len(runs), system),
            params:
                spec=plan.training_spec(study, system),
                code=modules("settling.training.train", system_kind(study.systems[system].kind).model),
                checkpoint=plan.option("checkpoint", plan.checkpoint_of(study, system)),
                tokens=plan.option("tokens", plan.tokens_of(study, dataset, system, RESULTS)),
                runs=" ".join(plan.run_option(run, RESULTS) for run in runs),
            shell:
                TRAIN

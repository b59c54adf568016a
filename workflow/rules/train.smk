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

# A study goes through its experiments in order, so that the first are whole where it is stopped.
PRIORITIES = plan.priorities(study)


if study.runs_per_job == 1:

    rule train:
        input:
            treated=rules.treat.output,
            train=at(layout.TRAIN),
            dev=at(layout.DEV),
            test=at(layout.TEST),
            checkpoint=lambda wildcards: plan.checkpoint_of(study, wildcards.system),
            tokens=lambda wildcards: plan.tokens_of(study, wildcards.dataset, wildcards.system, RESULTS),
        output:
            *map(at, (layout.DYNAMICS, layout.SCORES, layout.RUN_RECORD)),
        log:
            at(layout.log("train", layout.RUN)),
        benchmark:
            at(layout.benchmark("train", layout.RUN))
        priority: lambda wildcards: PRIORITIES[layout.run_of(layout.RUN_RECORD.format(**dict(wildcards.items())))]
        conda:
            "../../envs/train.yaml"
        resources:
            **asked(1),
        params:
            spec=lambda wildcards: canonical(plan.training_spec(study, wildcards.system)),
            code=lambda wildcards: modules(
                "settling.training.train", system_kind(study.systems[wildcards.system].kind).model
            ),
            checkpoint=lambda wildcards: plan.option("checkpoint", plan.checkpoint_of(study, wildcards.system)),
            tokens=lambda wildcards: plan.option(
                "tokens", plan.tokens_of(study, wildcards.dataset, wildcards.system, RESULTS)
            ),
            # Not by the job's output: Snakemake does not record a parameter that follows from one.
            runs=lambda wildcards: plan.run_option(
                layout.run_of(layout.RUN_RECORD.format(**dict(wildcards.items()))), RESULTS
            ),
        shell:
            TRAIN

else:
    for number, runs in enumerate(plan.jobs(study)):
        dataset, system = runs[0].dataset, runs[0].system

        rule:
            name:
                f"train_{number}_{re.sub(r'[^A-Za-z0-9]', '_', f'{dataset}_{system}')}"
            input:
                treated=sorted({at(run.treated) for run in runs}),
                train=at(layout.TRAIN.format(dataset=dataset)),
                dev=at(layout.DEV.format(dataset=dataset)),
                test=at(layout.TEST.format(dataset=dataset)),
                checkpoint=plan.checkpoint_of(study, system),
                tokens=plan.tokens_of(study, dataset, system, RESULTS),
            output:
                [at(path) for run in runs for path in (run.dynamics, run.scores, run.record)],
            log:
                [at(run.log) for run in runs],
            benchmark:
                at(layout.benchmark("train", f"job{number}"))
            priority: max(PRIORITIES[run] for run in runs)
            conda:
                "../../envs/train.yaml"
            resources:
                **asked(len(runs), system),
            params:
                spec=canonical(plan.training_spec(study, system)),
                code=modules("settling.training.train", system_kind(study.systems[system].kind).model),
                checkpoint=plan.option("checkpoint", plan.checkpoint_of(study, system)),
                tokens=plan.option("tokens", plan.tokens_of(study, dataset, system, RESULTS)),
                runs=" ".join(plan.run_option(run, RESULTS) for run in runs),
            shell:
                TRAIN

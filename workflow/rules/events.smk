rule events:
    input:
        dynamics=at(layout.DYNAMICS),
        treated=rules.treat.output,
        run=at(layout.RUN_RECORD),
    output:
        at(layout.EVENTS),
    log:
        at(layout.log("events", layout.RUN)),
    benchmark:
        at(layout.benchmark("events", layout.RUN))
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        code=lambda wildcards: modules("settling.analysis.events"),
    shell:
        "settling events --dynamics {input.dynamics} --treated {input.treated} --run {input.run} --output {output} 2> {log}"

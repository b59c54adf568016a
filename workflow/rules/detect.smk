rule detect:
    input:
        dynamics=at(layout.DYNAMICS),
        treated=rules.treat.output,
        run=at(layout.RUN_RECORD),
        scores=at(layout.SCORES),
    output:
        at(layout.DETECTORS),
        at(layout.LOSSES),
    log:
        at(layout.log("detect", layout.RUN)),
    benchmark:
        at(layout.benchmark("detect", layout.RUN))
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        code=lambda wildcards: modules("settling.detectors.detect", *DETECTORS.values()),
        folder=subpath(output[0], parent=True),
    shell:
        "settling detect --dynamics {input.dynamics} --treated {input.treated} --scores {input.scores}"
        " --run {input.run} --output {params.folder} 2> {log}"

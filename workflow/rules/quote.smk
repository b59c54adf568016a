rule quote:
    input:
        expand(at(layout.TABLE), table="words"),
        expand(at(layout.TRAIN), dataset=DATASETS),
    output:
        at(layout.QUOTES),
        at(layout.TABLE_AS_CSV.format(table="quotes")),
    log:
        at(layout.log("quote")),
    benchmark:
        at(layout.benchmark("quote"))
    localrule: True
    conda:
        "../../envs/analyse.yaml"
    params:
        code=lambda wildcards: modules("settling.analysis.quotes"),
        data=subpath(input[1], ancestor=2),
        folder=subpath(output[0], parent=True),
    shell:
        "settling quote --tables {params.folder} --data {params.data} --output {params.folder} 2> {log}"

"""`hive-mind compare`: two models on the same questions, with what either won from the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hive_mind.cli.measuring import Config, Data, Json, Limit, ModelsDir, evaluate_job, print_table, read_job, refer_all
from hive_mind.cli.output import one_line, print_json

if TYPE_CHECKING:
    from hive_mind.evaluation.examples import Example

WIDEST = 400

LEGEND = """won: only the first is right; lost: only the second is; clusters: groups of items that offer the same tools
p: exact, for the better of the two, over clusters; McNemar p: exact, two-sided, over items
could show: the smallest true difference that so many items find in four cases of five"""


def compare(
    a: Annotated[str, typer.Argument(help="`base`, `latest`, a version or a version's folder")],
    b: Annotated[str, typer.Argument(help="the model that it is compared with")],
    overrides: Annotated[list[str] | None, typer.Argument(help="section.key=value settings that win")] = None,
    data: Data = None,
    limit: Limit = None,
    config: Config = None,
    models_dir: ModelsDir = None,
    examples: Annotated[int, typer.Option(min=0, help="show so many items won, and as many lost")] = 3,
    json_output: Json = False,
) -> None:
    """Compare two models on the same examples: differences with intervals and p-values, and items won and lost."""
    from hive_mind.evaluation.examples import differing
    from hive_mind.evaluation.suite_tables import suite_notes, suite_tables
    from hive_mind.evaluation.tables import loss_table, paired_rows, paired_table

    names, job = read_job([a, b, *(overrides or ())], data, limit, config, models_dir)
    models = refer_all(names, job)
    evaluation = evaluate_job(models, job)
    first, second = evaluation.models
    print_table(paired_table(evaluation, first, second))
    for table in (loss_table(evaluation), *suite_tables(evaluation)):
        print_table(table)
    print("\n".join([*suite_notes(evaluation), LEGEND]))
    found = differing(job.request(models), evaluation, examples)
    for example in found:
        _print_example(example, first.name, second.name)
    if json_output:
        rows = {label: paired.to_dict() for label, paired in paired_rows(evaluation, first, second)}
        shown = [example.to_dict() for example in found]
        print_json(
            {"a": first.name, "b": second.name, "items": len(evaluation.items), "compared": rows, "examples": shown}
        )


def _print_example(example: Example, a: str, b: str) -> None:
    lines = {
        "asked": example.request, "expected": example.expected,
        a: example.mine, b: example.theirs,
    }  # fmt: skip
    width = max(map(len, lines))
    print(f"\n{'won' if example.won else 'lost'}: {example.id}")
    for label, text in lines.items():
        print(f"  {label:<{width}}  {one_line(text, WIDEST)}")

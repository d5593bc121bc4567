"""The `hive-mind` command: one file a subcommand, imported only when that subcommand runs."""

from __future__ import annotations

import importlib
import sys

import click

from hive_mind import __version__
from hive_mind.errors import EXIT_INTERRUPTED, HiveMindError

# name -> (module under hive_mind.cli, function or Typer app in it, one line of help)
COMMANDS = {
    "run": ("run", "run", "Do the whole job of a config: data, training, evaluation, gate, promotion, report."),
    "data": ("data", "app", "Fetch, build and inspect training data."),
    "base": ("base", "app", "Build the tiny base model from its recorded recipe."),
    "train": ("train", "train", "Train a LoRA adapter on a dataset."),
    "monitor": ("monitor", "monitor", "Follow a training run live, with its loss curve."),
    "evaluate": ("evaluate", "evaluate", "Measure models on held-out examples."),
    "compare": ("evaluate", "compare", "Compare two models on the same examples."),
    "report": ("report", "report", "Write the report of a version again."),
    "models": ("models", "app", "List, show, promote, roll back and verify versions."),
    "chat": ("chat", "chat", "Ask a model, with or without tools."),
}


class LazyCommands(click.Group):
    """A command group that knows its subcommands' names and help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute, help_text = COMMANDS[name]
        return _load(module, attribute, name, help_text)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, _, help_text) in COMMANDS.items()])


def _load(module: str, attribute: str, name: str, help_text: str) -> click.Command:
    import typer

    target = getattr(importlib.import_module(f"hive_mind.cli.{module}"), attribute)
    if not isinstance(target, typer.Typer):
        app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        app.command(name, help=target.__doc__ or help_text)(target)
        target = app
    command = typer.main.get_command(target)
    command.name = name
    return command


@click.group(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hive-mind")
def group() -> None:
    """Train, measure, gate and serve a small tool-calling model on your own machine.

    The whole job on what the package carries: hive-mind run configs/sample.yaml
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code that errors.py gives the outcome."""
    try:
        code = group.main(args=arguments, prog_name="hive-mind", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Abort:
        sys.exit(EXIT_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except HiveMindError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted; run the same command again to continue", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)

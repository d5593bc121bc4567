"""The `hive-mind` command: one file a subcommand, imported only when it runs, so that --help is instant."""

from __future__ import annotations

import importlib
import sys

from hive_mind import __version__
from hive_mind.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_USAGE, HiveMindError

# name -> (module under hive_mind.cli, function or Typer app in it, one line of help)
COMMANDS = {
    "doctor": ("doctor", "doctor", "look at torch, device and memory, and try the device's arithmetic"),
    "run": ("run", "run", "do the whole job of a config: data, training, evaluation, gate, promotion, report"),
    "data": ("data", "app", "fetch, build, inspect and check training data"),
    "base": ("base", "app", "build the tiny base model from its recorded recipe"),
    "train": ("train", "train", "train a LoRA adapter on a dataset"),
    "monitor": ("monitor", "monitor", "follow a training run live, with its loss curve"),
    "evaluate": ("evaluate", "evaluate", "measure models on held-out examples"),
    "compare": ("compare", "compare", "compare two models on the same examples, with what either won"),
    "report": ("report", "report", "write the report of a version again"),
    "models": ("models", "app", "list, show, promote, roll back, verify and remove versions"),
    "tools": ("tools", "app", "list the tools of your MCP servers and how they change"),
    "usage": ("usage", "app", "what was recorded: list, review, export, forget"),
    "learn": ("learn", "app", "learn every day from what was used, promoted only if better"),
    "clean": ("clean", "clean", "what takes how much disk, and what of it may go"),
    "backup": ("backup", "backup", "write store, registry and settings to one archive"),
    "restore": ("backup", "restore", "bring back what a backup holds"),
    "serve": ("serve", "app", "answer over an OpenAI-compatible API, and record what is asked"),
    "chat": ("chat", "chat", "ask a model, with or without tools"),
    "mcp": ("mcp", "app", "serve the model to MCP clients; proxy, config, hook"),
}


def usage() -> str:
    """Return the text of `hive-mind --help`."""
    lines = [
        "Usage: hive-mind COMMAND [OPTIONS] [SECTION.KEY=VALUE ...]",
        "",
        "Train, measure, gate and serve a small tool-calling model on your own machine.",
        "",
        "Commands:",
        *(f"  {name:<10}{text}" for name, (_, _, text) in COMMANDS.items()),
        "",
        "The whole job on what the package carries:  hive-mind run configs/sample.yaml",
        "A command's options:                        hive-mind COMMAND --help",
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the code that errors.py gives the outcome."""
    arguments = sys.argv[1:] if arguments is None else arguments
    sys.exit(_run(arguments))


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return EXIT_DONE
    if arguments[0] == "--version":
        print(f"hive-mind {__version__}")
        return EXIT_DONE
    name, *rest = arguments
    if name not in COMMANDS:
        return _unknown(name)
    try:
        return _command(name, rest)
    except HiveMindError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; run the same command again to continue", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone (`| head`), which is no failure of ours
        return EXIT_DONE


def _command(name: str, arguments: list[str]) -> int:
    import typer

    module, attribute, _ = COMMANDS[name]
    target = getattr(importlib.import_module(f"hive_mind.cli.{module}"), attribute)
    app = target
    if not isinstance(target, typer.Typer):
        app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        app.command()(target)
    try:
        app(args=arguments, prog_name=f"hive-mind {name}")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else EXIT_DONE
    return EXIT_DONE


def _unknown(name: str) -> int:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean `hive-mind {near[0]}`?" if near else "`hive-mind --help` lists the commands"
    print(f"error: there is no command {name!r}; {hint}", file=sys.stderr)
    return EXIT_USAGE

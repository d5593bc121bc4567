"""Runs inside the sandbox, as text, with the standard library alone: a solution, then its tests, in one namespace.

The job comes on standard input as JSON; the verdict goes to standard output behind a token that the solution is not
told, so that a solution that ends the process, or prints, does not pass for one that is right.
"""

import io
import json
import random
import sys
import warnings


def main() -> None:
    """Read the job, run it, print the token and why it failed (empty: it passed)."""
    job = json.loads(sys.stdin.buffer.read())
    token, out = job.pop("token"), sys.stdout
    sys.stdin, sys.stdout = io.StringIO(), io.StringIO()
    warnings.simplefilter("ignore")
    random.seed(0)
    verdict = run(job)
    out.write(f"\n{token} {verdict}\n")
    out.flush()


def run(job: dict) -> str:  # type: ignore[type-arg]
    """Return why the tests of a job fail, nothing if they pass."""
    names: dict[str, object] = {"__name__": "solution"}
    if job["before"]:
        exec(compile(job["before"], "before", "exec", dont_inherit=True), names)
    given = names.get(job["entry"])
    raised = "no_function"
    try:
        exec(compile(job["solution"], "solution", "exec", dont_inherit=True), names)
    except BaseException as error:  # what follows a function (its own trials, input()) may fail; the function counts
        raised = f"raised_{type(error).__name__}"
    if names.get(job["entry"]) is given:
        return raised
    for test in job["tests"]:
        try:
            exec(compile(test, "test", "exec", dont_inherit=True), names)
        except AssertionError:
            return "wrong"
        except BaseException as error:
            return f"raised_{type(error).__name__}"
    return ""


if __name__ == "__main__":
    main()

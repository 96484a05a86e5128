"""Where reports are kept: a JSON file and a page for each run."""

from pathlib import Path

from bench.report.page import render_run
from bench.report.record import Run, write_run


def keep(run: Run, folder: Path) -> tuple[Path, Path]:
    """Write both; return their paths. The name tells scenario, number of workers and time."""
    folder.mkdir(parents=True, exist_ok=True)
    when = "".join(character for character in run.began if character.isdigit() or character == " ").strip()
    stem = f"{run.scenario}-{run.workers}w-{when.replace(' ', '-')}"
    json_file, page = folder / f"{stem}.json", folder / f"{stem}.html"
    write_run(run, json_file)
    page.write_text(render_run(run), encoding="utf-8")
    return json_file, page

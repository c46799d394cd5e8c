"""The page in a real browser: it fits a phone, tables can be sorted, and the map has two colourings."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jobs.report.metrics import assemble
from jobs.report.page import render

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-file-access-from-files",
    "--virtual-time-budget=5000",
    "--dump-dom",
)
PROBE = """<!doctype html><body><iframe src="report.html" style="width: 390px"></iframe><script>
document.querySelector("iframe").onload = (event) => {
  const page = event.target.contentDocument;
  const table = page.querySelector("#models table");
  const names = () => [...table.tBodies[0].rows].map((row) => row.cells[0].dataset.value).join(",");
  table.querySelectorAll("th button")[4].click();
  const smallest = names();
  table.querySelectorAll("th button")[4].click();
  const largest = names();
  const fill = () => event.target.contentWindow.getComputedStyle(page.querySelector(".map circle")).fill;
  const byClicks = fill();
  page.querySelector("#map-by-latent").click();
  document.title = [page.documentElement.scrollWidth, smallest, largest, byClicks, fill()].join(";");
};
</script>"""


@pytest.mark.skipif(BROWSER is None, reason="needs chromium on PATH")
def test_it_fits_a_phone_and_sorts_and_colours(
    measured: dict[str, Any], decision: dict[str, Any], drawn: dict[str, Any], tmp_path: Path
) -> None:
    page = render(assemble(measured, decision, embedding_map=drawn))
    (tmp_path / "report.html").write_text(page, encoding="utf-8")
    (tmp_path / "probe.html").write_text(PROBE, encoding="utf-8")
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={tmp_path}/profile", f"file://{tmp_path}/probe.html"]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search(r"<title>(\d+);(.*);(.*);(.*);(.*)</title>", dom)
    assert found, dom[:300]
    assert int(found[1]) <= 390
    up = "logistic,lightgbm_no_embedding,lightgbm,champion before,random_forest"
    assert found[2] == up
    assert found[3] == ",".join(reversed(up.split(",")))
    assert len({found[4], found[5], "rgb(0, 0, 0)"}) == 3  # black is what a dot without a colour has

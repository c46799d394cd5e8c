"""A page in a real browser: chromium, within a frame as wide as a phone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

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
PHONE = 390
"""Pixels that a phone is wide."""
DARK, LIGHT = 0, 1
"""What the browser's setting calls the schemes."""

TAP = """
const tap = (frame, mark) => {
  const box = mark.getBoundingClientRect();
  const at = { clientX: (box.left + box.right) / 2, clientY: (box.top + box.bottom) / 2, bubbles: true };
  mark.dispatchEvent(new frame.contentWindow.MouseEvent("click", at));
  return mark.closest("figure").querySelector(".readout").textContent;
};
"""
"""Taps a mark of a picture within the frame; gives what the picture tells then. For scripts of `used`."""

needs_browser = pytest.mark.skipif(BROWSER is None, reason="needs chromium on PATH")


def used(report: Path, script: str, folder: Path, scheme: int = LIGHT) -> dict[str, Any]:
    """Let a script use a report within the only frame of a page; gives what it leaves as the title, as JSON."""
    frame = f'<iframe src="file://{report}" style="width: {PHONE}px; height: 800px"></iframe>'
    probe = folder / "probe.html"
    probe.write_text(f"<!doctype html><title></title><body>{frame}<script>{TAP}{script}</script>", encoding="utf-8")
    setting = f"--blink-settings=preferredColorScheme={scheme}"
    command = [str(BROWSER), *FLAGS, setting, f"--user-data-dir={folder}/profile", f"file://{probe}"]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    title = re.search(r"<title>(.+?)</title>", dom)
    assert title, dom[:300]
    found: dict[str, Any] = json.loads(unescape(title[1]))
    return found

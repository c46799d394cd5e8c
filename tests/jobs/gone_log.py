"""A log of three days, in which one of three users asks on the third to be forgotten."""

from __future__ import annotations

from pathlib import Path

GONE = 'u "gone", 7'
"""An id that CSV and JSON must quote."""

QUOTED = '"u ""gone"", 7"'

LOG = {
    "sends": f"""send_id,user_id,device_id,campaign_id,sent_at,ingested_at
s1,{QUOTED},d-gone,c1,2026-01-01 10:00:00,2026-01-01 10:00:00
s2,{QUOTED},shared,c1,2026-01-01 11:00:00,2026-01-02 01:00:00
s11,u3,d3,never met,2026-01-01 08:00:00,2026-01-01 08:00:00
s10,u3,d3,c1,2026-01-01 11:30:00,2026-01-02 01:00:00
s3,u2,shared,c1,2026-01-01 12:00:00,2026-01-01 12:00:00
s4,u2,shared,c2,2026-01-02 12:00:00,2026-01-02 12:00:00
s5,u3,d3,c1,2026-01-02 13:00:00,2026-01-02 13:00:00
s6,{QUOTED},shared,c2,2026-01-02 14:00:00,2026-01-02 14:00:00
s7,{QUOTED},d-gone,c2,never,2026-01-02 15:00:00
s8,u3,d3,c2,2026-01-02 09:00:00,2026-01-03 09:00:00
s9,{QUOTED},d-gone,c1,2026-01-02 20:00:00,2026-01-03 01:00:00
s9,{QUOTED},d-gone,c1,2026-01-02 20:00:00,2026-01-03 02:00:00
""",
    "clicks": """send_id,clicked_at,action,ingested_at
s1,2026-01-01 10:05:00,open,2026-01-01 10:05:00
s2,2026-01-01 11:05:00,open,2026-01-01 11:05:00
s11,2026-01-01 08:05:00,open,2026-01-01 08:05:00
s3,2026-01-01 12:05:00,open,2026-01-01 12:05:00
s4,2026-01-02 12:05:00,dismiss,2026-01-02 12:05:00
s6,2026-01-02 14:05:00,stare,2026-01-02 14:05:00
s9,2026-01-02 20:05:00,open,2026-01-02 20:05:00
s1,2026-01-03 10:05:00,button,2026-01-03 10:05:00
s6,2026-01-03 10:06:00,stare,2026-01-03 10:06:00
s8,2026-01-03 10:07:00,open,2026-01-03 10:07:00
""",
    "devices": f"""device_id,user_id,network,model,updated_at,ingested_at
d-gone,{QUOTED},wifi,small,2026-01-01 00:00:00,2026-01-01 00:00:00
shared,u2,4g,large,2026-01-01 00:00:00,2026-01-01 00:00:00
shared,{QUOTED},wifi,large,2026-01-01 06:00:00,2026-01-01 06:00:00
d3,u3,wifi,small,2026-01-01 00:00:00,2026-01-01 00:00:00
shared,u2,4g,large,2026-01-02 06:00:00,2026-01-02 06:00:00
d-gone,,wifi,small,2026-01-02 08:00:00,2026-01-02 08:00:00
shared,,wifi,large,2026-01-02 08:00:00,2026-01-02 08:00:00
""",
    "deletions": f"""user_id,requested_at,ingested_at
{QUOTED},2026-01-03 06:00:00,2026-01-03 06:00:00
""",
}
"""CSV by table; what happens to each row is told by the tests."""


def write_log(folder: Path) -> None:
    """Write the log and its mapping, ``my.toml``."""
    folder.mkdir(parents=True)
    mapping = ["[time]"]
    for table, text in LOG.items():
        (folder / f"{table}.csv").write_text(text)
        mapping += [f"[{table}]", f'source = "{table}.csv"', 'format = "csv"']
        mapping += ["options = { header = true, escape = '\"' }", f"[{table}.columns]"]
        mapping += [f'{name} = "{name}"' for name in text.partition("\n")[0].split(",")]
    (folder / "my.toml").write_text("\n".join(mapping))

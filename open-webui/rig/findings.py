"""What was found, and the table that shows it.

Invariant: a finding is written down once, by the check that made it, and nothing else decides the exit code.
"""

from dataclasses import dataclass


@dataclass
class Finding:
    """One check of one version."""

    check: str
    version: str
    holds: bool
    shown: str


class Findings:
    """All findings, in the order of their making."""

    def __init__(self) -> None:
        self.all: list[Finding] = []

    def note(self, version: str, check: str, faults: list[str], shown: str) -> None:
        """Writes a finding down and prints it: good where there are no faults."""
        self.all.append(Finding(check, version, not faults, shown))
        print(f"  {'ok  ' if not faults else 'FAIL'} {check}: {shown}", flush=True)
        for fault in faults:
            print(f"       {fault}", flush=True)

    @property
    def bad(self) -> list[Finding]:
        """Those that do not hold."""
        return [finding for finding in self.all if not finding.holds]

    def table(self, titles: dict[str, str]) -> str:
        """One line for each check, one column for each version; `titles` says what stands over a column."""
        checks = list(dict.fromkeys(finding.check for finding in self.all))
        cells = {(finding.check, finding.version): finding for finding in self.all}
        rows = [["", *titles.values()]]
        for check in checks:
            found = [cells.get((check, version)) for version in titles]
            rows.append([check, *(_cell(finding) for finding in found)])
        widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join(lines)


def _cell(finding: Finding | None) -> str:
    if finding is None:
        return "-"
    return finding.shown if finding.holds else f"FAIL {finding.shown}"

"""What every comparison ends in: rows of a table, printed as Markdown and kept as JSON."""
import dataclasses
import json
import statistics

COLUMNS = ["work", "batch", "threads", "precision", "ours", "peer", "theirs", "ratio", "quartiles",
           "target", "outputs differ by"]
TABLE_HEAD = "| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|"


@dataclasses.dataclass
class Row:
    """ratio: theirs / ours, so that more is better; target: what was aimed at. Quartiles are those
    of the rounds' ratios."""
    part: str
    work: str
    ratio: float
    ours: str
    peer: str
    theirs: str
    precision: str = ""
    batch: int | None = None
    threads: int | None = None
    low: float | None = None
    high: float | None = None
    target: float | None = None
    differ: float | None = None

    @property
    def missed(self):
        return self.target is not None and self.ratio < self.target

    def markdown(self):
        def text(value, form="{}"):
            return "" if value is None else form.format(value)

        ratio = f"**{self.ratio:.2f}**" if self.missed else f"{self.ratio:.2f}"
        quartiles = "" if self.low is None else f"{self.low:.2f} - {self.high:.2f}"
        return "| " + " | ".join([
            self.work, text(self.batch), text(self.threads), self.precision, self.ours, self.peer,
            self.theirs, ratio, quartiles, text(self.target, "{:.2f}"),
            text(self.differ, "{:.0e}")]) + " |"


class Results:
    """Prints each row as it comes; with a file, appends it there as a line of JSON."""

    def __init__(self, file=None, head=True):
        self.file = file
        if head:
            print(TABLE_HEAD, flush=True)

    def add(self, row):
        print(row.markdown(), flush=True)
        if self.file:
            with open(self.file, "a") as file:
                file.write(json.dumps(dataclasses.asdict(row)) + "\n")


def read(file):
    with open(file) as lines:
        return [Row(**json.loads(line)) for line in lines]


def quartiles(values):
    """First quartile, median, third."""
    if len(values) == 1:
        return values * 3
    return statistics.quantiles(values, n=4, method="inclusive")


def milliseconds(seconds):
    return f"{seconds * 1e3:.1f} ms"

"""Times calls in turns."""
import statistics
import time

from results import quartiles

# Where other programs run too, the processor time of this process says more; for one thread.
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def seconds(call, repeats, clock):
    time.sleep(0.005)  # for threads of the one before that still spin
    start = clock()
    for _ in range(repeats):
        call()
    return (clock() - start) / repeats


def in_turns(calls, rounds, clock=time.perf_counter, at_least=0.3):
    """calls {name: call}, each run before -> {name: seconds of each round}. Every round measures
    each call once, for some time at least; the order turns. Long calls have three rounds only."""
    first = {name: seconds(call, 1, clock) for name, call in calls.items()}
    repeats = {name: max(1, int(at_least / taken)) for name, taken in first.items()}
    if sum(first.values()) > 5:
        rounds = min(rounds, 3)
    names, times = list(calls), {name: [] for name in calls}
    for _ in range(rounds):
        for name in names:
            times[name].append(seconds(calls[name], repeats[name], clock))
        names = names[1:] + names[:1]
    return times


def best(times, names):
    """The one with the lowest median."""
    return min(names, key=lambda name: statistics.median(times[name]))


def ratios(theirs, ours):
    """Of each round -> first quartile, median, third."""
    return quartiles([b / a for a, b in zip(ours, theirs)])

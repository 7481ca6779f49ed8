"""What a fixture starts for a test."""
import contextlib


@contextlib.contextmanager
def closed_at_end(make):
    """A function as `make`; what that gave is closed at the end."""
    started = []

    def start(*args, **kwargs):
        started.append(make(*args, **kwargs))
        return started[-1]

    yield start
    for each in started:
        each.close()

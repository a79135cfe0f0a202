"""Histories of concurrent operations, and whether some order of them explains all answers.

The check is that of Wing and Gong ("Testing and verifying concurrent objects", 1993) with Lowe's
memory of configurations seen: operations take effect one at a time, each between its call and its
answer. Over the state of one item that is linearizability; over the state of several items that
transactions read and write, it is strict serializability."""

import dataclasses
import itertools
import math
import random


@dataclasses.dataclass(frozen=True)
class Operation:
    """What a client asked for, what it was answered, and when. A client that was not answered has
    the answer `None` at no time: its operation may have taken effect at any moment, or never."""

    asked: tuple
    answered: object
    called: float
    returned: float = math.inf


def violation(history, initial, step):
    """Why no order explains the history; None where one does. `step(state, asked)` is what the
    operation answers and the state after it."""
    operations = sorted(history, key=lambda one: one.called)
    every = (1 << len(operations)) - 1
    unanswered = sum(1 << at for at, one in enumerate(operations) if one.returned == math.inf)
    seen, stack = set(), [(0, initial)]
    furthest = (-1, None, ())
    while stack:
        done, state = stack.pop()
        if done | unanswered == every:
            return None
        if (done, state) in seen:
            continue
        seen.add((done, state))
        candidates = _candidates(operations, done)
        furthest = max(furthest, (done.bit_count(), state, candidates), key=lambda one: one[0])
        for at in candidates:
            answer, after = step(state, operations[at].asked)
            if operations[at].returned == math.inf or answer == operations[at].answered:
                stack.append((done | 1 << at, after))
    count, state, candidates = furthest
    stuck = "\n".join(f"  {operations[at]}" for at in candidates)
    return f"after {count} operations and with {state}, none of these can be next:\n{stuck}"


def _candidates(operations, done):
    """The operations that may be next: no other one was answered before they were asked for."""
    found, deadline = [], math.inf
    first = (~done & (done + 1)).bit_length() - 1
    for at in range(first, len(operations)):
        if done >> at & 1:
            continue
        if operations[at].called > deadline:
            break
        deadline = min(deadline, operations[at].returned)
        found.append(at)
    return [at for at in found if operations[at].called <= deadline]


# What stores do that have one state and one operation at a time.


def item(state, asked):
    """One item: a number or, where there is none, None."""
    match asked:
        case ("read",):
            return state, state
        case ("put", value):
            return "done", value
        case ("delete",):
            return state, None
        case ("add", by):
            return (state or 0) + by, (state or 0) + by
        case ("swap", before, after):
            return ("done", after) if state == before else (("refused", state), state)


def bank(balances, asked):
    """Accounts between which money is moved, as far as there is any."""
    match asked:
        case ("read",):
            return balances, balances
        case ("transfer", source, target, amount):
            if balances[source] < amount:
                return "refused", balances
            after = list(balances)
            after[source] -= amount
            after[target] += amount
            return "done", tuple(after)


def pair(on, asked):
    """Two that may leave as long as the other one stays."""
    match asked:
        case ("read",):
            return on, on
        case ("both",):
            return "done", (True, True)
        case ("leave", one):
            if not on[1 - one]:
                return "refused", on
            return "done", (False, on[1]) if one == 0 else (on[0], False)


class Simulated:
    """A store in memory whose clients take turns at random, with a bug on demand: what the checker
    must find. Operations are generators; at each `yield` others may go on."""

    def __init__(self, seed, state, bug=None):
        self.random = random.Random(seed)
        self.state, self.bug = list(state), bug

    def run(self, scripts):
        """The history of clients of which each asks, one after the other, what its script says."""
        history, clock = [], itertools.count()

        def client(script):
            for kind, *arguments in script:
                called = next(clock)
                answered = yield from getattr(self, kind)(*arguments)
                asked = (kind, *arguments)
                history.append(Operation(asked, answered, called, next(clock)))

        clients = [client(script) for script in scripts]
        while clients:
            turn = self.random.choice(clients)
            try:
                next(turn)
            except StopIteration:
                clients.remove(turn)
        return history

    def read(self):
        yield
        seen = tuple(self.state)
        yield
        return seen if len(seen) > 1 else seen[0]

    def add(self, by):
        yield
        before = self.state[0] or 0
        if self.bug == "lost update":
            yield
        self.state[0] = before + by
        return before + by

    def transfer(self, source, target, amount):
        yield
        if self.state[source] < amount:
            return "refused"
        self.state[source] -= amount
        if self.bug == "dirty read":
            yield
        self.state[target] += amount
        return "done"

    def both(self):
        yield
        self.state[:] = [True, True]
        return "done"

    def leave(self, one):
        yield
        other = self.state[1 - one]
        if self.bug == "write skew":
            yield
        if not other:
            return "refused"
        self.state[one] = False
        return "done"

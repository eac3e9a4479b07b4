"""The signal that may go on below the threshold, unseen, where some of it is seen above.

Weak directions add to the bulk what a larger σ would, and no test finds them: of a spectrum whose
ten spikes of 1.6 to 4 times the critical strength are followed by .9, .7, .6, … all figures but σ
come out as those of white noise with ten spikes. So the lower end of σ's interval allows for them.
"""

from math import exp

from pastur.estimation._fitting.task import Level, Task

# A signal that falls off as 1/k and has K values above the critical one has Σ (K/k)² = K times the
# square of that below it. Their fourth powers, K/3 of it, move the second mode of the bulk, whose
# standard deviation is 2: with more than 12 above, less of a tail goes unseen, √(12 K).
_SEEN = 12.0


def with_tail(task: Task, level: Level, detached: int, undetached: float = 0.0) -> Level:
    """Return a level whose lower end allows for the signal below so many detached spikes.

    `undetached` are critical spikes which the spectrum leaves room for as well. Next to a bulk that
    was given the critical spike is not known before the fit, and nothing is allowed for.
    """
    if task.known or task.bulk is not None:
        return level
    hidden = undetached + min(float(detached), (_SEEN * detached) ** 0.5)
    share = hidden * task.kind.critical**2 / task.kind.size
    return level._replace(low=level.low * exp(-share / 2))

"""Numbers as text."""


def percent(share: float, digits: int = 2) -> str:
    """Return a share between 0 and 1 in percent: neither all nor nothing unless it is.

    Examples
    --------
    >>> percent(0.4321), percent(1.0), percent(0.99999), percent(3e-9), percent(0.996)
    ('43 %', '100 %', 'over 99.99 %', 'under 0.01 %', '99.6 %')
    """
    hundredth = 100 * share
    if 0 < hundredth < 0.01:
        return "under 0.01 %"
    if 99.99 < hundredth < 100:
        return "over 99.99 %"
    decimals = max(digits - len(f"{int(hundredth)}"), 0) if hundredth >= 1 else digits
    while decimals < 2 and hundredth < 100 and f"{hundredth:.{decimals}f}" == f"{100:.{decimals}f}":
        decimals += 1
    return f"{hundredth:.{decimals}f} %"


def level(alpha: float) -> str:
    """Return the level of an interval that fails with chance alpha, in percent, not rounded to all.

    Examples
    --------
    >>> level(0.05), level(1e-9)
    ('95 %', '99.9999999 %')
    """
    return f"{100 - 100 * alpha:.15g} %"

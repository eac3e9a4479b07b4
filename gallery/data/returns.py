"""
A correlation matrix of returns
===============================

**Claim.** The portfolio of least variance for the sample covariance promises far less risk than it
has, the more so the fewer days there are for each asset. With noise and signal separated the
promise is within a third of the truth, and the risk is smaller.
"""

import matplotlib.pyplot as plt
import numpy as np

from pastur.sklearn import SpikedCovariance

ASSETS, DRAWS = 100, 20
days = np.array([120, 150, 200, 300, 500])
rng = np.random.default_rng(0)

# %%
# Simulated daily returns in percent: a market, five sectors, and a variance of its own for each
# asset.

market = rng.normal(0.8, 0.2, size=(ASSETS, 1))
sectors = np.kron(np.eye(5), np.ones((ASSETS // 5, 1))) * rng.normal(0.6, 0.1, size=(ASSETS, 1))
loadings = np.hstack([market, sectors])
own = rng.uniform(0.8, 1.6, size=ASSETS)
true = loadings @ loadings.T + np.diag(own**2)


def risks(covariance: np.ndarray) -> tuple[float, float]:
    # Of the portfolio of least variance: what is promised, and what is true.
    weights = np.linalg.solve(covariance, np.ones(ASSETS))
    weights /= weights.sum()
    return (weights @ covariance @ weights) ** 0.5, (weights @ true @ weights) ** 0.5


risk = np.empty((2, 2, DRAWS, days.size))
for j, number in enumerate(days):
    for k in range(DRAWS):
        factors = rng.normal(size=(number, loadings.shape[1]))
        returns = factors @ loadings.T + own * rng.normal(size=(number, ASSETS))
        estimates = np.cov(returns.T), SpikedCovariance(standardize=True).fit(returns).covariance_
        risk[:, :, k, j] = [risks(covariance) for covariance in estimates]

# %%
# Points are means of the draws, bars two standard deviations of a draw.

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for i, name in enumerate(("sample covariance", "SpikedCovariance")):
    for drawn, style, what in zip(risk[i], ("--", "-"), ("promised", "true"), strict=True):
        bars, label = 2 * drawn.std(axis=0, ddof=1), f"{name}, {what}"
        ax.errorbar(
            days,
            drawn.mean(axis=0),
            bars,
            fmt="os"[i] + style,
            capsize=3,
            color=f"C{i}",
            label=label,
        )
ax.axhline(risks(true)[1], color="gray", linestyle=":", label="least possible")
ax.set(xlabel=f"days, for {ASSETS} assets", ylabel="risk, % a day", ylim=(0, None))
ax.legend()
plt.show()

# %%
# What would contradict the claim: a promise with noise separated that is off by a third, one of the
# sample covariance that is not off by more, or a risk that is not smaller.

(promised_raw, true_raw), (promised, real) = risk.mean(axis=2)
assert (abs(promised / real - 1) < 1 / 3).all()
assert (promised_raw / true_raw < promised / real).all() and promised_raw[0] < true_raw[0] / 4
assert (real < true_raw).all()
